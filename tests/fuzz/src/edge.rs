//! Files of the Lambda edge and of the AWS adapters, compiled here without their crates. Those
//! bring TLS, the SDK and the Lambda runtime, which take longer to compile with a sanitizer than
//! the rest takes to fuzz.

#[allow(dead_code, reason = "the file belongs to its own crate, which uses all of it")]
#[path = "../../../shared/webhook-lambda/src/event.rs"]
mod event;
#[allow(dead_code, reason = "the file belongs to its own crate, which uses all of it")]
#[path = "../../../shared/webhook-lambda/src/response.rs"]
mod response;

#[allow(dead_code, reason = "the file belongs to its own crate, which uses all of it")]
#[path = "../../../shared/webhook-aws/src/limits.rs"]
mod limits;

pub(crate) use event::{EventError, HttpEvent};
pub(crate) use limits::{
    SQS_MAX_BYTES, group_id, message_attributes, message_body, message_size, trace_header,
};
pub(crate) use response::{Response, malformed, response};
