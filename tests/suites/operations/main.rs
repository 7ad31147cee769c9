//! The operator's commands, run as they are typed, on what the real bootstraps left in the
//! emulator.

mod records;
mod redrive;
mod replay;
mod world;
