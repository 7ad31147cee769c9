//! The inspector's page in headless Chromium, with the deployed template behind it.

mod browser;
mod deliveries;
mod hostile;
mod keys;
mod looks;
mod samples;
mod world;
