//! Files of the Lambda edge and of the AWS adapters, compiled here: their crates bring TLS, the SDK and the Lambda runtime, which
//! under a sanitizer take longer to compile than the rest takes to fuzz.

#[allow(dead_code, reason = "of the crate, not of this file")]
#[path = "../../../shared/webhook-lambda/src/event.rs"]
mod event;
#[allow(dead_code, reason = "of the crate, not of this file")]
#[path = "../../../shared/webhook-lambda/src/response.rs"]
mod response;

#[allow(dead_code, reason = "of the crate, not of this file")]
#[path = "../../../shared/webhook-aws/src/limits.rs"]
mod limits;

pub(crate) use event::{EventError, HttpEvent};
pub(crate) use limits::{
    SQS_MAX_BYTES, group_id, message_attributes, message_body, message_size, trace_header,
};
pub(crate) use response::{Response, malformed, response};
