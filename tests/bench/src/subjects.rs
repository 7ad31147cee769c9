//! Who is measured: the function of this repository and those that it is compared with. All of them do the same job, but for
//! `hello`: fetch the secret at the start; verify Pinwheel's version 2, claim in `DynamoDB`, send to SQS, complete.

use std::{env, path::PathBuf};

use anyhow::{Context as _, Result};

use crate::{aws::Calls, tls::Roots};

/// A function as Lambda would start it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it is called in a report.
    pub label: &'static str,
    /// The program, and what it is given.
    pub command: Vec<PathBuf>,
    /// Variables of its own.
    pub variables: Vec<(&'static str, String)>,
    /// Whose certificates it trusts.
    pub roots: Roots,
    /// What it does with a delivery.
    pub job: Job,
    /// Services to which it has a connection before its first delivery.
    pub connects_at_start: u64,
}

impl Subject {
    /// Whether it is one binary, which is what is deployed.
    #[must_use]
    pub fn is_compiled(&self) -> bool {
        self.command.len() == 1
    }
}

/// What a function does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Job {
    /// It answers.
    Hello,
    /// It receives webhooks.
    Webhook,
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// It is queued.
    Accepted,
    /// It was queued before.
    Duplicate,
    /// It is not authentic.
    Refused,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Duplicate, Self::Refused];

    /// Its name in a report.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
        }
    }

    /// The status of the HTTP answer.
    #[must_use]
    pub fn status(self) -> u64 {
        match self {
            Self::Accepted | Self::Duplicate => 200,
            Self::Refused => 401,
        }
    }
}

/// Services that a delivery needs, the start included: a connection each.
pub const SERVICES: u64 = 3;

/// The operation that a signature which does not match may cause, every 10 s at most: it is no part of a delivery.
pub const SECRET_FETCH: &str = "GetSecretValue";

impl Job {
    /// The calls that a delivery must make, no more and no fewer.
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

/// Where things are.
pub struct Places {
    /// The repository.
    pub root: PathBuf,
    /// What the bench makes: logs, certificates, binaries of peers.
    pub work: PathBuf,
}

impl Places {
    /// Finds the repository at run time: at or above the package that cargo runs, or else the current folder. A path that is
    /// compiled in is wrong in a checkout that was copied or renamed.
    ///
    /// # Errors
    /// It is neither there nor above.
    pub fn find() -> Result<Self> {
        let start = env::var_os("CARGO_MANIFEST_DIR").map_or_else(env::current_dir, |folder| Ok(folder.into()))?;
        let root = start.ancestors().find(|folder| folder.join("infra/template.yaml").is_file());
        let root = root.with_context(|| format!("{} is not in the repository: run this there", start.display()))?;
        Ok(Self { work: root.join("target/bench"), root: root.to_owned() })
    }

    fn lambda(&self, name: &str) -> PathBuf {
        self.work.join("lambda").join(name).join("bootstrap")
    }

    fn tool(&self, path: &str) -> PathBuf {
        self.root.join(".tools").join(path)
    }

    /// What is deployed, with the settings that it is deployed with.
    #[must_use]
    pub fn ours(&self) -> Subject {
        Subject {
            name: "ours",
            label: "this function",
            command: vec![self.root.join("target/release/pinwheel")],
            variables: Vec::new(),
            // The endpoints' root cannot be compiled in: as many roots from a file, which costs a little more.
            roots: Roots::Amazon,
            job: Job::Webhook,
            connects_at_start: 3,
        }
    }

    /// The floor.
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

    /// The same job in Rust, with every default.
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

    /// The same job in Python.
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

    /// The same job in JavaScript.
    #[must_use]
    pub fn node(&self) -> Subject {
        let folder = self.tool("bench-node");
        Subject {
            name: "node",
            label: "Node, Powertools",
            command: vec![folder.join("node_modules/.bin/aws-lambda-ric"), PathBuf::from("handler.handler")],
            variables: vec![
                ("LAMBDA_TASK_ROOT", folder.join("bundle").display().to_string()),
                ("PATH", env::var("PATH").unwrap_or_default()),
            ],
            // Node has Mozilla's roots compiled in, and takes more from a file.
            roots: Roots::Own,
            job: Job::Webhook,
            connects_at_start: 1,
        }
    }
}
