//! The measured functions: the one of this repository and its peers. All but `hello` do the same
//! job. They fetch the secret at the start. For each delivery they verify Pinwheel's version 2,
//! claim the event in `DynamoDB`, send it to SQS, and complete the claim.

use std::{env, path::PathBuf};

use crate::{aws::Calls, tls::Roots};

/// A function, and how Lambda would start it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its name in a report.
    pub label: &'static str,
    /// The program and its arguments.
    pub command: Vec<PathBuf>,
    /// Environment variables that only it gets.
    pub variables: Vec<(&'static str, String)>,
    /// The certificates that it trusts.
    pub roots: Roots,
    /// What it does with deliveries.
    pub job: Job,
    /// Number of TLS connections that it opens before its first delivery.
    pub connects_at_start: u64,
}

impl Subject {
    /// Returns whether it is compiled into one binary.
    #[must_use]
    pub fn is_compiled(&self) -> bool {
        self.command.len() == 1
    }
}

/// What a function does with deliveries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Job {
    /// It only answers.
    Hello,
    /// It receives webhooks.
    Webhook,
}

/// What happens to a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// It is queued.
    Accepted,
    /// Its event was queued before.
    Duplicate,
    /// Its signature does not match.
    Refused,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Duplicate, Self::Refused];

    /// Returns its name in a report.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
        }
    }

    /// Returns the status of the HTTP answer.
    #[must_use]
    pub fn status(self) -> u64 {
        match self {
            Self::Accepted | Self::Duplicate => 200,
            Self::Refused => 401,
        }
    }
}

/// Number of services that a start and a delivery need together, with one connection each.
pub const SERVICES: u64 = 3;

/// Fetches the secret. A delivery with a wrong signature may cause it, at most every 10 s, so it is
/// not a call of the delivery.
pub const SECRET_FETCH: &str = "GetSecretValue";

impl Job {
    /// Returns exactly the calls that a delivery must make.
    #[must_use]
    pub fn calls(self, kind: Kind) -> Calls {
        let operations: &[&str] = match (self, kind) {
            (Self::Hello, _) | (Self::Webhook, Kind::Refused) => &[],
            (Self::Webhook, Kind::Accepted) => &["PutItem", "SendMessage", "UpdateItem"],
            (Self::Webhook, Kind::Duplicate) => &["PutItem"],
        };
        operations.iter().map(|operation| ((*operation).to_owned(), 1)).collect()
    }
}

/// Folders, and the functions in them.
pub struct Places {
    /// The root of the repository.
    pub root: PathBuf,
    /// The output of the bench: logs, certificates, binaries of peers.
    pub work: PathBuf,
}

impl Places {
    /// Returns the folders of this repository.
    #[must_use]
    pub fn new() -> Self {
        // Asked when the program runs: a checkout may be moved with what was built in it.
        let here = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from("tests/bench"), PathBuf::from);
        let root = here
            .join("../..")
            .canonicalize()
            .expect("the bench runs from the repository's root, or by cargo");
        Self { work: root.join("target/bench"), root }
    }

    fn lambda(&self, name: &str) -> PathBuf {
        self.work.join("lambda").join(name).join("bootstrap")
    }

    fn tool(&self, path: &str) -> PathBuf {
        self.root.join(".tools").join(path)
    }

    /// Returns this repository's function as it is deployed.
    #[must_use]
    pub fn ours(&self) -> Subject {
        Subject {
            name: "ours",
            label: "this function",
            command: vec![self.root.join("target/release/pinwheel")],
            variables: Vec::new(),
            // The root of the fake services cannot be compiled in. It comes from a file, together
            // with Amazon's five, which costs a little more.
            roots: Roots::Amazon,
            job: Job::Webhook,
            // It opens those to DynamoDB and SQS with requests that are not counted as calls.
            connects_at_start: SERVICES,
        }
    }

    /// Returns a function that only answers: the lower bound.
    #[must_use]
    pub fn hello(&self) -> Subject {
        Subject {
            name: "hello",
            label: "`lambda_runtime` hello",
            command: vec![self.lambda("bench-hello")],
            variables: Vec::new(),
            roots: Roots::Full,
            job: Job::Hello,
            connects_at_start: 0,
        }
    }

    /// Returns the same job in Rust with every default.
    #[must_use]
    pub fn default_twin(&self) -> Subject {
        Subject {
            name: "default",
            label: "cargo-lambda defaults",
            command: vec![self.lambda("bench-default")],
            variables: Vec::new(),
            roots: Roots::Full,
            job: Job::Webhook,
            connects_at_start: 1,
        }
    }

    /// Returns the same job in Python.
    #[must_use]
    pub fn python(&self) -> Subject {
        let handler = self.root.join("tests/bench/peers/python");
        Subject {
            name: "python",
            label: "Python, Powertools",
            command: ["-m", "awslambdaric", "handler.handler"]
                .map(PathBuf::from)
                .into_iter()
                .fold(vec![self.tool("bench-python/bin/python")], |command, argument| {
                    [command, vec![argument]].concat()
                }),
            variables: vec![
                ("LAMBDA_TASK_ROOT", handler.display().to_string()),
                ("PYTHONPATH", handler.display().to_string()),
                ("PYTHONPYCACHEPREFIX", self.work.join("pycache").display().to_string()),
            ],
            roots: Roots::Full,
            job: Job::Webhook,
            connects_at_start: 1,
        }
    }

    /// Returns the same job in JavaScript.
    #[must_use]
    pub fn node(&self) -> Subject {
        let folder = self.tool("bench-node");
        Subject {
            name: "node",
            label: "Node, Powertools",
            command: vec![
                folder.join("node_modules/.bin/aws-lambda-ric"),
                PathBuf::from("handler.handler"),
            ],
            variables: vec![
                ("LAMBDA_TASK_ROOT", folder.join("bundle").display().to_string()),
                ("PATH", env::var("PATH").unwrap_or_default()),
            ],
            // Node has Mozilla's roots compiled in and adds those of a file.
            roots: Roots::Own,
            job: Job::Webhook,
            connects_at_start: 1,
        }
    }
}

impl Default for Places {
    fn default() -> Self {
        Self::new()
    }
}
