//! Calls to those services of the emulator of which tests need only a few actions: signed requests,
//! and texts out of XML responses. An SDK crate for each service would take minutes to compile.

use std::time::SystemTime;

use aws_sdk_dynamodb::config::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use serde_json::Value;

use crate::emulator::{ACCESS_KEY, REGION};

/// The emulator's services, called as its administrator.
pub struct Api {
    endpoint: String,
}

impl Api {
    /// Returns the services of the emulator at `endpoint`.
    #[must_use]
    pub fn at(endpoint: &str) -> Self {
        Self { endpoint: endpoint.to_owned() }
    }

    /// Calls an action of `CloudFormation`, CloudWatch, IAM, SNS or STS, and returns the XML of the
    /// response.
    ///
    /// # Errors
    /// The service's error message.
    ///
    /// # Panics
    /// If the service is none of these.
    pub fn query(
        &self,
        service: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String, String> {
        let version = match service {
            "cloudformation" => "2010-05-15",
            "iam" => "2010-05-08",
            "monitoring" => "2010-08-01",
            "sns" => "2010-03-31",
            "sts" => "2011-06-15",
            _ => panic!("no API version is known for {service}: add it here"),
        };
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", version).extend_pairs(parameters);
        let content_type = ("content-type", "application/x-www-form-urlencoded");
        let (status, answer) =
            self.request("POST", service, "/", &[content_type], form.finish().as_bytes());
        if status < 300 {
            return Ok(answer);
        }
        Err(texts(&answer, "Message").into_iter().next().unwrap_or(answer))
    }

    /// Sends JSON to a path of a service, and returns the JSON of the response. A null is sent as
    /// an empty body.
    ///
    /// # Panics
    /// If the service refuses.
    #[must_use]
    pub fn json(
        &self,
        method: &str,
        service: &str,
        path: &str,
        target: Option<&str>,
        body: &Value,
    ) -> Value {
        let mut headers = vec![("content-type", "application/x-amz-json-1.1")];
        headers.extend(target.map(|target| ("x-amz-target", target)));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = self.request(method, service, path, &headers, body.as_bytes());
        assert!(status < 300, "{method} {service} {path}: {status} {answer}");
        serde_json::from_str(&answer).unwrap_or_default()
    }

    fn request(
        &self,
        method: &str,
        service: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (u16, String) {
        let url = format!("{}{path}", self.endpoint);
        let identity = Credentials::new(ACCESS_KEY, ACCESS_KEY, None, None, "tests").into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .expect("is complete")
            .into();
        let signable =
            SignableRequest::new(method, &url, headers.iter().copied(), SignableBody::Bytes(body));
        let signed = sign(signable.expect("is a request"), &parameters).expect("can be signed");
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(&url);
        for (name, value) in headers.iter().copied().chain(signed.output().headers()) {
            request = request.header(name, value);
        }
        let answered = match body {
            b"" => agent.run(request.body(()).expect("is a request")),
            body => agent.run(request.body(body).expect("is a request")),
        };
        let mut response = answered.expect("the emulator responds");
        let answer = response.body_mut().read_to_string().expect("the response is text");
        (response.status().as_u16(), answer)
    }
}

/// Returns the text of each element of this name, in order. The elements must hold nothing but
/// text.
#[must_use]
pub fn texts(xml: &str, element: &str) -> Vec<String> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let parts = xml.split(&open).skip(1).filter_map(|rest| rest.split_once(&close));
    parts.map(|(text, _)| unescape(text)).collect()
}

fn unescape(text: &str) -> String {
    let escapes = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#x27;", "'"),
        ("&amp;", "&"),
    ];
    escapes
        .iter()
        .fold(text.to_owned(), |text, (escape, character)| text.replace(escape, character))
}
