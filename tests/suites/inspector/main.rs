//! `make dev` and its inspector: the real program, the real stack in the emulator, over HTTP.

#![forbid(unsafe_code)]

mod api;
mod dev;
mod life;
