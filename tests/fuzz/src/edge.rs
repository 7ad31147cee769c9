//! The Lambda edge's own files, compiled here: the crate that they are part of brings TLS and the Lambda runtime, which under a
//! sanitizer take longer to compile than the rest to fuzz.

#[allow(dead_code, reason = "of the crate, not of this file")]
#[path = "../../../shared/webhook-lambda/src/event.rs"]
mod event;
#[allow(dead_code, reason = "of the crate, not of this file")]
#[path = "../../../shared/webhook-lambda/src/response.rs"]
mod response;

pub(crate) use event::{EventError, HttpEvent};
pub(crate) use response::{Response, malformed, response};
