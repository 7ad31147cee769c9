//! The file that keeps the deliveries over a restart: a line of JSON for each.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use crate::{
    deliveries::{Deliveries, MAX_BYTES},
    delivery::Delivery,
};

/// The file is rewritten before it gets larger. Base64 makes the bodies a third larger.
const MAX_FILE_BYTES: usize = 4 * MAX_BYTES;

pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    size: usize,
}

impl Journal {
    /// Reads the deliveries in the file. Lines that are cut off or in another format are skipped.
    pub(crate) fn open(path: &Path, deliveries: &mut Deliveries) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        for line in BufReader::new(&file).split(b'\n') {
            if let Ok(delivery) = serde_json::from_slice(&line?) {
                deliveries.put(delivery);
            }
        }
        Ok(Self { path: path.to_owned(), file, size: 0 })
    }

    /// Adds a delivery, or rewrites the file from what is held if it would get too large.
    pub(crate) fn append(&mut self, delivery: &Delivery, held: &Deliveries) -> io::Result<()> {
        let line = line(delivery);
        if self.size + line.len() > MAX_FILE_BYTES {
            return self.rewrite(held);
        }
        self.size += line.len();
        self.file.write_all(&line)
    }

    /// Writes what is held into a new file, and replaces the old one with it.
    pub(crate) fn rewrite(&mut self, held: &Deliveries) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        self.size = 0;
        for delivery in held.iter() {
            let line = line(delivery);
            self.size += line.len();
            file.write_all(&line)?;
        }
        fs::rename(&new, &self.path)?;
        self.file = file;
        Ok(())
    }
}

fn line(delivery: &Delivery) -> Vec<u8> {
    // A delivery can always be serialised: its maps have texts as keys.
    let mut line = serde_json::to_vec(delivery).unwrap_or_default();
    line.push(b'\n');
    line
}
