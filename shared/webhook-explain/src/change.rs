//! A hypothesis: one part of a delivery in another form, and what it would explain.

use std::borrow::Cow;

use crate::cause::Cause;

/// A text of ours, or one that names what was found.
pub(crate) type Text = Cow<'static, str>;

/// One part of a delivery in another form.
pub(crate) struct Change<T> {
    pub(crate) cause: Cause,
    pub(crate) value: T,
    /// What is different, if the delivery verifies so.
    pub(crate) detail: Text,
    /// How to mend it.
    pub(crate) fix: Text,
}

impl<T> Change<T> {
    pub(crate) fn new(
        cause: Cause,
        value: T,
        detail: impl Into<Text>,
        fix: impl Into<Text>,
    ) -> Self {
        Self { cause, value, detail: detail.into(), fix: fix.into() }
    }

    /// Returns what it says, without the part itself.
    pub(crate) fn without_value(&self) -> Change<()> {
        Change { cause: self.cause, value: (), detail: self.detail.clone(), fix: self.fix.clone() }
    }
}
