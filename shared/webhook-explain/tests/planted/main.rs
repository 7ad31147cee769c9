//! Deliveries with one thing wrong, for each scheme that is deployed or in the catalogue: the cause that is told is the one that was
//! planted. Which causes a scheme can have follows from its description: a change after which it still verifies is none.

mod bodies;
mod headers;
mod quiet;
mod schemes;
mod secrets;
mod support;
mod times;
