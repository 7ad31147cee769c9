//! The Lambda edge's own files, compiled here: the crate that they are part of brings the AWS SDK, which under a sanitizer takes
//! longer to compile than the rest to fuzz.

#[allow(dead_code, reason = "of the crate, not of this file")]
#[path = "../../../shared/webhook-lambda/src/event.rs"]
mod event;
#[allow(dead_code, reason = "of the crate, not of this file")]
#[path = "../../../shared/webhook-lambda/src/response.rs"]
mod response;

pub(crate) use event::HttpEvent;
pub(crate) use response::{Response, malformed_event, response};
