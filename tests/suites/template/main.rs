//! The template against the code: permissions, variables, tables, alarms, dashboard, parameters.

mod combinations;
mod hook;
mod monitoring;
mod parameters;
mod permissions;
mod wiring;
mod world;
