//! The inspector's page in headless Chromium.

mod browser;
mod deliveries;
mod hostile;
mod keys;
mod looks;
mod samples;
mod world;
