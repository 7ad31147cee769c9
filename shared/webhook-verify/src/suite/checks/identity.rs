//! What may change the identity of an event, and what may not.

use super::{AT, ID, Suite, body::signed_range};
use crate::{
    delivery::Header,
    description::{EventType, Id, Scheme, Unsigned},
    sign::example_body,
    suite::{Attempt, Identity},
    time::UnixSeconds,
};

impl Suite {
    /// Checks that a retry has the identity of its event, and that a different event has a
    /// different one.
    pub(super) fn identities(&mut self, good: &Attempt, identity: &Identity) {
        let body = str::from_utf8(&good.body).expect("text").to_owned();
        let retry = self.attempt(&body, UnixSeconds(AT.0 - 30), ID);
        if self.identity(&retry).as_ref() != Some(identity) {
            self.report("a retry that is signed again is a different event");
        }
        let is_in_header = matches!(self.scheme.facts.id, Id::SignedHeader(_));
        let other = if is_in_header {
            self.attempt(&body, AT, "msg_2")
        } else {
            self.attempt(&example_body(self.scheme, 2, 1), AT, ID)
        };
        if self.identity(&other).is_none_or(|other| other.key == identity.key) {
            self.report("a different event has the same key");
        }
    }

    /// Checks that headers and members that no signature covers do not change the identity.
    pub(super) fn unsigned(&mut self, good: &Attempt, identity: &Identity) {
        for name in unsigned_headers(self.scheme) {
            let mut other = good.clone();
            other.headers.push(Header::new(name, "forged"));
            if self.identity(&other).as_ref() != Some(identity) {
                self.report("an unsigned header changes the answer or the identity");
            }
        }
        let Some(member) = self.scheme.signed_member() else { return };
        let signed = &good.body[signed_range(self.scheme, &good.body)];
        let signed = str::from_utf8(signed).expect("text");
        for name in self.scheme.facts.unsigned_members.iter().copied().chain(["other"]) {
            let body = format!("{{\"{name}\": \"forged\", \"{member}\": {signed}}}").into_bytes();
            if self.identity(&Attempt { body, ..good.clone() }).as_ref() != Some(identity) {
                self.report("an unsigned member changes the answer or the identity");
            }
        }
    }
}

/// Returns headers that are not signed: those that the description reads, and some that proxies
/// add.
fn unsigned_headers(scheme: &Scheme) -> Vec<&'static str> {
    let mut all = vec!["host", "x-forwarded-for", "x-request-id", "user-agent", "content-type"];
    let facts = &scheme.facts;
    let event_type =
        if let EventType::Unsigned(place) = facts.event_type { Some(place) } else { None };
    all.extend(event_type.iter().chain(facts.delivery_id).filter_map(|place| match place {
        Unsigned::Header(name) => Some(*name),
        Unsigned::Member(_) => None,
    }));
    if let Id::SignedHeader(names) = facts.id
        && !scheme.signed_headers().any(|signed| signed == names)
    {
        all.extend(names);
    }
    all
}
