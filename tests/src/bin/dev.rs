//! `make dev`: runs the stack in an AWS emulator, with the inspector in front of it. The state of
//! both is kept over restarts.
//!
//! `PORT` is the inspector's port, and `CLEAN=1` deletes the state of earlier runs. All files are
//! below the folder that `WEBHOOK_DEV_ROOT` names, or else below the repository.

#![forbid(unsafe_code)]

use std::{
    env,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    net::TcpListener,
    num::NonZero,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use tokio::signal::unix::{SignalKind, signal};
use webhook_cli::{development_secret, development_url};
use webhook_inspector::Setup;
use webhook_tests::{
    emulator::client_variables,
    inspector,
    stack::{Account, Stack, output},
    workspace,
};
use webhook_verify::{providers::PROVIDERS, sign::example_body};

/// The file with the variables by which a function of `cargo lambda watch` reaches the stack.
const VARIABLES: &str = ".tools/dev.env";
/// The folder that is kept over restarts.
const KEPT: &str = ".tools/dev";
const DEFAULT_PORT: u16 = 4880;
/// The time between two checks that the emulator is still running.
const ALIVE_EVERY: Duration = Duration::from_millis(500);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            say(&reason);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let root = env::var_os("WEBHOOK_DEV_ROOT").map_or_else(workspace, PathBuf::from);
    let port = match env::var("PORT").as_deref() {
        Err(_) | Ok("") => DEFAULT_PORT,
        Ok(port) => port
            .parse::<NonZero<u16>>()
            .map_err(|_| format!("PORT is {port}, but must be a number from 1 to 65535"))?
            .get(),
    };
    let is_clean = match env::var("CLEAN").as_deref() {
        Err(_) | Ok("" | "0") => false,
        Ok("1") => true,
        Ok(other) => return Err(format!("CLEAN is {other}, but must be 1 or empty")),
    };
    if !Command::new("python3")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        return Err(
            "python3 is needed: install it (Debian, Ubuntu: apt-get install python3-venv; macOS: \
             brew install python)."
                .to_owned(),
        );
    }
    let kept = root.join(KEPT);
    // The lock is released when this process ends, even if it is killed.
    let _lock = lock(&kept, port)?;
    let listener = listen(port)?;
    if is_clean {
        forget(&kept).map_err(|error| format!("{}: {error}", kept.display()))?;
    }
    let step = |step: &str| say(&format!("… {step}"));
    let account = Account::start_kept(&kept.join("emulator"), step).await;
    step("deploying infra/template.yaml with `sam deploy`");
    let stack = account.deploy(&[]).await;
    step("deployed, with the template's IAM policies enforced");
    // From here on, a signal leads to an orderly end.
    let end_signal = end_signal()?;
    let variables = Variables::write(root.join(VARIABLES), &stack)?;
    tell(port, &stack);
    let setup = Setup {
        say: Box::new(say),
        ..inspector::setup(&stack, &root, kept.join("deliveries.jsonl"))
    };
    let ended = serve(listener, setup, &account, end_signal).await;
    drop(variables);
    step("stopping");
    ended
}

/// Serves until a signal comes, or until something fails.
async fn serve(
    listener: tokio::net::TcpListener,
    setup: Setup,
    account: &Account,
    end_signal: impl Future<Output = ()>,
) -> Result<(), String> {
    let emulator_ends = async {
        while account.emulator.is_up() {
            tokio::time::sleep(ALIVE_EVERY).await;
        }
    };
    tokio::select! {
        served = webhook_inspector::serve(setup, listener) => {
            let reason = served.map_or_else(|error| format!(": {error}"), |()| String::new());
            Err(format!("the inspector has ended{reason}"))
        }
        () = emulator_ends => Err("the AWS emulator has ended: start `make dev` again".to_owned()),
        () = end_signal => Ok(()),
    }
}

/// Handles the signals that end a program. Returns a future that waits for one of them.
fn end_signal() -> Result<impl Future<Output = ()>, String> {
    let signals =
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hang_up)] = signals else {
        return Err("could not handle SIGINT, SIGTERM and SIGHUP".to_owned());
    };
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

/// Locks the folder for one `make dev` at a time. The lock file has the inspector's address.
fn lock(kept: &Path, port: u16) -> Result<File, String> {
    let failed = |error: io::Error| format!("{}: {error}", kept.display());
    fs::create_dir_all(kept).map_err(failed)?;
    let mut options = File::options();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(kept.join("lock"))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut address = String::new();
            file.read_to_string(&mut address).map_err(failed)?;
            return Err(format!(
                "`make dev` is already running, with its inspector at {address}: use that, or end \
                 it first."
            ));
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
    write!(file, "{}", address(port)).map_err(failed)?;
    Ok(file)
}

fn listen(port: u16) -> Result<tokio::net::TcpListener, String> {
    let listener = TcpListener::bind(("127.0.0.1", port)).and_then(|listener| {
        listener.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(listener)
    });
    listener.map_err(|error| {
        format!("port {port} cannot be used ({error}): choose another with `make dev PORT=…`.")
    })
}

/// Removes what earlier runs left, except for the lock.
fn forget(kept: &Path) -> io::Result<()> {
    for entry in fs::read_dir(kept)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if entry.file_name() != "lock" {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The file with the variables. It is removed when this is dropped.
struct Variables(PathBuf);

impl Variables {
    fn write(path: PathBuf, stack: &Stack) -> Result<Self, String> {
        let mut variables = client_variables(&stack.endpoint);
        for (name, output) in [
            ("IDEMPOTENCY_TABLE", "IdempotencyTableName".to_owned()),
            ("QUEUE_URL", "EventQueueUrl".to_owned()),
            ("PAYLOAD_BUCKET", "PayloadBucketName".to_owned()),
            // All functions share the file. `tell` says for which providers a line must be changed.
            ("SIGNING_SECRET_ID", output(PROVIDERS[0], "SecretArn")),
        ] {
            variables.insert(name.to_owned(), stack.outputs[&output].clone());
        }
        // The samples in events/ were signed at a fixed time.
        variables.insert("TIMESTAMP_TOLERANCE_S".to_owned(), "630720000".to_owned());
        variables.insert("RETENTION_S".to_owned(), "1261440000".to_owned());
        if let Some(url) = public_url() {
            variables.insert("PUBLIC_URL".to_owned(), url);
        }
        let mut lines: Vec<String> =
            variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        lines.sort();
        fs::write(&path, lines.concat()).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Variables {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        let _ = fs::remove_file(&self.0);
    }
}

/// Returns the URL of the first provider that signs its URL. Functions of other providers ignore
/// it.
fn public_url() -> Option<String> {
    PROVIDERS.iter().find(|provider| provider.signs_url()).map(|provider| development_url(provider))
}

fn address(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn tell(port: u16, stack: &Stack) {
    let address = address(port);
    say(&format!("\ninspector      {address}"));
    for provider in PROVIDERS {
        say(&format!("{:<14} {address}/webhooks/{}", provider.name(), provider.name()));
    }
    say(&format!("AWS emulator   {}", stack.endpoint));
    say(&format!(
        "variables      {VARIABLES}, for `cargo lambda watch`, which gets what is sent to \
         {address}/watch/…"
    ));
    for provider in PROVIDERS {
        let mut own = Vec::new();
        if development_secret(provider) != development_secret(PROVIDERS[0]) {
            own.push(format!(
                "SIGNING_SECRET_ID={}",
                stack.outputs[&output(provider, "SecretArn")]
            ));
        }
        if provider.signs_url() && public_url() != Some(development_url(provider)) {
            own.push(format!("PUBLIC_URL={}", development_url(provider)));
        }
        if !own.is_empty() {
            say(&format!(
                "               For {}, change this in the file: {}",
                provider.name(),
                own.join(" ")
            ));
        }
    }
    say("\nPaste one of these into another terminal:\n");
    for provider in PROVIDERS {
        let body =
            provider.schemes().last().map(|scheme| example_body(scheme, 1, 1)).unwrap_or_default();
        let name = provider.name();
        say(&format!(
            "  echo '{body}' | cargo webhook send {name} --url {address}/webhooks/{name}"
        ));
    }
    say("\nCtrl-C stops everything. The next `make dev` goes on from here; `make dev CLEAN=1` \
         starts afresh.\n");
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn say(text: &str) {
    println!("{text}");
}
