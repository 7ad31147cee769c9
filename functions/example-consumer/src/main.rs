//! An example of what reads the queue. `example_consumer` has all of it.

#![forbid(unsafe_code)]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), example_consumer::Error> {
    example_consumer::run().await
}
