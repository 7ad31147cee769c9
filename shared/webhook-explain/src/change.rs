//! A hypothesis: one part of a delivery in a different form, and what it would explain.

use std::borrow::Cow;

use crate::cause::Cause;

/// A fixed sentence, or one that names what was found.
pub(crate) type Text = Cow<'static, str>;

/// One part of a delivery in a different form.
pub(crate) struct Change<T> {
    pub(crate) cause: Cause,
    pub(crate) value: T,
    /// What is wrong, if the changed delivery verifies.
    pub(crate) detail: Text,
    /// What to do about it.
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

    /// Returns the change's texts, without the changed part.
    pub(crate) fn without_value(&self) -> Change<()> {
        Change { cause: self.cause, value: (), detail: self.detail.clone(), fix: self.fix.clone() }
    }
}
