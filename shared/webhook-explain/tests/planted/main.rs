//! Deliveries in which a fault was planted, for each scheme that is deployed or in the catalogue:
//! the explanation must name that fault. A scheme for which the changed delivery still verifies
//! cannot have the fault, so it is skipped.

mod bodies;
mod headers;
mod quiet;
mod schemes;
mod secrets;
mod support;
mod times;
