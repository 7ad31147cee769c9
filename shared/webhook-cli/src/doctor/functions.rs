//! The providers' functions: what `live` serves, and how many invocations at once there may be.

use std::collections::BTreeMap;

use aws_sdk_lambda::Client;
use webhook_aws::call_error;

use crate::doctor::{
    asked::Asked,
    report::{Finding, ok, unknown, warning, wrong},
    stack::Stack,
};

/// The alias that the front doors lead to.
const ALIAS: &str = "live";
/// A new account's limit is 10; this is the least that deserves no word.
const FEW_INVOCATIONS: i32 = 100;
const DEPLOY: &str = "give the stack a new Release and deploy it with DeploymentStrategy=None";

pub(crate) type Variables = BTreeMap<String, String>;

/// A version that gets traffic.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) version: String,
    /// Part of the traffic goes to another version.
    pub(crate) is_shifting: bool,
    pub(crate) variables: Variables,
    /// Of the version that the next one will be published from.
    pub(crate) latest: Variables,
    /// The code is there and can be invoked.
    pub(crate) is_active: bool,
}

/// Reads what `live` serves. If that fails, the finding says so.
pub(crate) async fn read(lambda: &Client, function: &str) -> Result<Live, Finding> {
    let alias = lambda.get_alias().function_name(function).name(ALIAS).send().await;
    let alias = match Asked::from(alias.map_err(|error| call_error(&error))) {
        Asked::Found(alias) => alias,
        Asked::Absent => {
            return Err(wrong(
                "version",
                format!("{function} has no alias {ALIAS}: deploy the stack again"),
            ));
        }
        Asked::Failed(error) => {
            return Err(unknown(
                "version",
                &format!("read the alias {ALIAS} of {function}"),
                &error,
            ));
        }
    };
    let configuration = async |qualifier: &str| {
        let get = lambda.get_function_configuration().function_name(function).qualifier(qualifier);
        let failed = |error: &_| {
            unknown("version", &format!("read {function}:{qualifier}"), &call_error(error))
        };
        get.send().await.map_err(|error| failed(&error))
    };
    let (live, latest) = (configuration(ALIAS).await?, configuration("$LATEST").await?);
    // Or inactive: idle for weeks, and a call wakes it.
    let is_active =
        !live.state().is_some_and(|state| matches!(state.as_str(), "Pending" | "Failed"));
    let variables = |environment: Option<aws_sdk_lambda::types::EnvironmentResponse>| -> Variables {
        environment
            .and_then(|environment| environment.variables)
            .unwrap_or_default()
            .into_iter()
            .collect()
    };
    Ok(Live {
        version: alias.function_version.unwrap_or_default(),
        is_shifting: alias.routing_config.is_some_and(|routing| {
            routing
                .additional_version_weights
                .is_some_and(|weights| weights.values().any(|weight| *weight > 0.0))
        }),
        variables: variables(live.environment),
        latest: variables(latest.environment),
        is_active,
    })
}

/// Checks that `live` serves the version that the stack published.
pub(crate) fn version(stack: &Stack, function: &str, live: &Live) -> Finding {
    let Live { version, .. } = live;
    let of_function = format!(":function:{function}:");
    let published = stack.resources_of("AWS::Lambda::Version");
    let published: Vec<_> =
        published.filter_map(|arn| Some(arn.split_once(&of_function)?.1)).collect();
    let served = format!("{ALIAS} of {function} serves version {version}");
    if version == "$LATEST" {
        wrong(
            "version",
            format!("{served}, which changes under the traffic: deploy the stack again"),
        )
    } else if live.is_shifting {
        warning(
            "version",
            format!("{served} and part of the traffic another: a deployment is under way"),
        )
    } else if !published.is_empty() && !published.contains(&version.as_str()) {
        let published = published.join(", ");
        wrong(
            "version",
            format!(
                "{served}, and the stack published {published}: commit what is to run, and deploy the stack"
            ),
        )
    } else if !live.is_active {
        wrong(
            "version",
            format!("{served}, which is not active: read its state with `aws lambda get-function`"),
        )
    } else {
        ok("version", served)
    }
}

/// Checks that what gets the traffic has the stack's resources and settings. `expected`: variables and their values.
pub(crate) fn environment(function: &str, live: &Live, expected: &[(&str, String)]) -> Finding {
    let Live { version, variables, latest, .. } = live;
    let value = |name: &str| variables.get(name).map(String::as_str).unwrap_or_default();
    let other = expected.iter().find(|(name, expected)| value(name) != expected);
    if let Some((name, expected)) = other {
        let text = format!(
            "version {version} of {function} has {name}={}, and the stack has {expected}: {DEPLOY}",
            value(name)
        );
        return wrong("environment", text);
    }
    let names = variables.keys().chain(latest.keys());
    let mut differ: Vec<_> =
        names.filter(|name| variables.get(*name) != latest.get(*name)).collect();
    differ.sort_unstable();
    differ.dedup();
    if differ.is_empty() {
        let text =
            format!("version {version} of {function} has the stack's resources and settings");
        return ok("environment", text);
    }
    let differ = differ.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    let text =
        format!("version {version} of {function} differs from $LATEST in {differ}: {DEPLOY}");
    wrong("environment", text)
}

/// What limits the invocations of a function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Concurrency {
    pub(crate) reserved: Option<i32>,
    pub(crate) of_account: i32,
    pub(crate) behind_function_url: bool,
}

/// Reads the limits.
pub(crate) async fn concurrency(lambda: &Client, stack: &Stack, function: &str) -> Finding {
    const CALL: &str = "read the limits of invocations at once";
    let reserved = match lambda.get_function_concurrency().function_name(function).send().await {
        Ok(limit) => limit.reserved_concurrent_executions,
        Err(error) => return unknown("concurrency", CALL, &call_error(&error)),
    };
    let of_account = match lambda.get_account_settings().send().await {
        Ok(account) => {
            account.account_limit.map(|limit| limit.concurrent_executions).unwrap_or_default()
        }
        Err(error) => return unknown("concurrency", CALL, &call_error(&error)),
    };
    let behind_function_url = stack.parameter("FrontDoor") == "FunctionUrl";
    judge(function, Concurrency { reserved, of_account, behind_function_url })
}

fn judge(function: &str, limits: Concurrency) -> Finding {
    let Concurrency { reserved, of_account, behind_function_url } = limits;
    match reserved {
        Some(0) => wrong(
            "concurrency",
            format!(
                "{function} is stopped (its reserved concurrency is 0): set ReservedConcurrency and deploy"
            ),
        ),
        Some(reserved) => {
            ok("concurrency", format!("{function} has {reserved} invocations at once of its own"))
        }
        None if behind_function_url => warning(
            "concurrency",
            format!(
                "{function} has a URL and no limit but the account's {of_account}: set ReservedConcurrency"
            ),
        ),
        None if of_account < FEW_INVOCATIONS => warning(
            "concurrency",
            format!(
                "the account allows {of_account} invocations at once, of all functions: ask for more in Service Quotas"
            ),
        ),
        None => ok(
            "concurrency",
            format!("{function} shares the account's {of_account} invocations at once"),
        ),
    }
}

/// A function that uses the table, and its queue.
#[derive(Debug)]
pub(crate) struct TableUser {
    pub(crate) function: String,
    pub(crate) queue_url: String,
}

/// Checks that no other function of the account and region uses the table with another queue.
pub(crate) async fn shared_table(lambda: &Client, table: &str, queue: &str) -> Finding {
    let mut users = Vec::new();
    let mut pages = lambda.list_functions().into_paginator().items().send();
    while let Some(function) = pages.next().await {
        let function = match function {
            Ok(function) => function,
            Err(error) => {
                return unknown(
                    "table.shared",
                    "list the account's functions",
                    &call_error(&error),
                );
            }
        };
        let variables =
            function.environment.and_then(|environment| environment.variables).unwrap_or_default();
        let value = |name: &str| variables.get(name).cloned().unwrap_or_default();
        // The variable may hold the table's name or ARN.
        if value("IDEMPOTENCY_TABLE").rsplit('/').next() == Some(table) {
            let function = function.function_name.unwrap_or_default();
            users.push(TableUser { function, queue_url: value("QUEUE_URL") });
        }
    }
    one_queue(table, queue, &users)
}

fn one_queue(table: &str, queue: &str, users: &[TableUser]) -> Finding {
    let others: Vec<_> =
        users.iter().filter(|user| queue_of_url(&user.queue_url) != queue_of_arn(queue)).collect();
    let [first, ..] = others.as_slice() else {
        return ok(
            "table.shared",
            format!("{table} serves one queue (functions that use it: {})", users.len()),
        );
    };
    let names = others.iter().map(|user| user.function.as_str()).collect::<Vec<_>>().join(", ");
    wrong(
        "table.shared",
        format!(
            "{table} also serves another queue, {}, for {names}: an event that one queue got is a duplicate to the \
             other, and lost there; give each stack a table of its own",
            first.queue_url
        ),
    )
}

/// Returns account and name of a queue.
pub(crate) fn queue_of_url(url: &str) -> (&str, &str) {
    let (rest, name) = url.rsplit_once('/').unwrap_or_default();
    (rest.rsplit('/').next().unwrap_or_default(), name)
}

/// Returns account and name of a queue.
pub(crate) fn queue_of_arn(arn: &str) -> (&str, &str) {
    let mut parts = arn.split(':').skip(4);
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:sqs:eu-west-1:123456789012:events.fifo";
    const URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/events.fifo";

    fn stack(version: &str) -> Stack {
        let resources = ["other:7".to_owned(), format!("receiver:{version}")].map(|name| {
            (
                "AWS::Lambda::Version".to_owned(),
                format!("arn:aws:lambda:eu-west-1:123456789012:function:{name}"),
            )
        });
        Stack { resources: resources.to_vec(), ..Stack::default() }
    }

    fn variables(variables: &[(&str, &str)]) -> Variables {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn live_serves_the_version_that_the_stack_published() {
        let live = |version: &str| Live {
            version: version.to_owned(),
            is_active: true,
            ..Live::default()
        };
        for (live, expected) in [
            (live("3"), ok("version", "live of receiver serves version 3")),
            (
                live("$LATEST"),
                wrong(
                    "version",
                    "live of receiver serves version $LATEST, which changes under the traffic: deploy the stack again",
                ),
            ),
            (
                live("2"),
                wrong(
                    "version",
                    "live of receiver serves version 2, and the stack published 3: commit what is to run, and deploy \
                     the stack",
                ),
            ),
            (
                Live { is_shifting: true, ..live("2") },
                warning(
                    "version",
                    "live of receiver serves version 2 and part of the traffic another: a deployment is under way",
                ),
            ),
            (
                Live { is_active: false, ..live("3") },
                wrong(
                    "version",
                    "live of receiver serves version 3, which is not active: read its state with \
                     `aws lambda get-function`",
                ),
            ),
        ] {
            assert_eq!(version(&stack("3"), "receiver", &live), expected);
        }
    }

    #[test]
    fn what_gets_the_traffic_has_the_stacks_variables() {
        let of = |live: &[(&str, &str)], latest: &[(&str, &str)]| {
            let (variables, latest) = (variables(live), variables(latest));
            let live = Live { version: "3".to_owned(), variables, latest, ..Live::default() };
            environment("receiver", &live, &[("IDEMPOTENCY_TABLE", "new".to_owned())])
        };
        let new = [("IDEMPOTENCY_TABLE", "new")];
        let right =
            ok("environment", "version 3 of receiver has the stack's resources and settings");
        assert_eq!(of(&new, &new), right);
        let stale = wrong(
            "environment",
            "version 3 of receiver has IDEMPOTENCY_TABLE=old, and the stack has new: give the stack a new Release and \
             deploy it with DeploymentStrategy=None",
        );
        assert_eq!(of(&[("IDEMPOTENCY_TABLE", "old")], &new), stale);
        let differs = wrong(
            "environment",
            "version 3 of receiver differs from $LATEST in PUBLIC_URL, RUST_LOG: give the stack a new Release and \
             deploy it with DeploymentStrategy=None",
        );
        let more = [new[0], ("PUBLIC_URL", "https://a.example/")];
        assert_eq!(of(&[new[0], ("RUST_LOG", "info")], &more), differs);
    }

    #[test]
    fn a_function_may_be_stopped_or_have_few_invocations() {
        let judge = |reserved, of_account, behind_function_url| {
            judge("receiver", Concurrency { reserved, of_account, behind_function_url })
        };
        let stopped = "receiver is stopped (its reserved concurrency is 0): set ReservedConcurrency and deploy";
        assert_eq!(judge(Some(0), 1000, false), wrong("concurrency", stopped));
        let own = "receiver has 5 invocations at once of its own";
        assert_eq!(judge(Some(5), 10, true), ok("concurrency", own));
        let unlimited =
            "receiver has a URL and no limit but the account's 1000: set ReservedConcurrency";
        assert_eq!(judge(None, 1000, true), warning("concurrency", unlimited));
        let few = "the account allows 10 invocations at once, of all functions: ask for more in Service Quotas";
        assert_eq!(judge(None, 10, false), warning("concurrency", few));
        let shared = "receiver shares the account's 100 invocations at once";
        assert_eq!(judge(None, 100, false), ok("concurrency", shared));
    }

    #[test]
    fn a_table_with_two_queues_loses_events() {
        let user = |function: &str, queue_url: &str| TableUser {
            function: function.to_owned(),
            queue_url: queue_url.to_owned(),
        };
        let own = user("a", "http://127.0.0.1:4566/123456789012/events.fifo");
        let one = one_queue("records", ARN, &[user("b", URL), own]);
        assert_eq!(one, ok("table.shared", "records serves one queue (functions that use it: 2)"));
        let other = "https://sqs.eu-west-1.amazonaws.com/123456789012/others.fifo";
        let two = one_queue("records", ARN, &[user("a", URL), user("b", other), user("c", other)]);
        let expected = format!(
            "records also serves another queue, {other}, for b, c: an event that one queue got is a duplicate to the \
             other, and lost there; give each stack a table of its own"
        );
        assert_eq!(two, wrong("table.shared", expected));
    }
}
