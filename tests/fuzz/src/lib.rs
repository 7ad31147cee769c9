//! What the fuzz targets check, each in a module of its name. `check` takes any bytes, and panics
//! if a promise is broken.

#![forbid(unsafe_code)]

mod edge;
pub mod envelope;
pub mod event;
pub mod explain;
pub mod headers;
mod oracle;
pub mod python_form;
pub mod reference;
mod sample;
pub mod verify;
mod world;
