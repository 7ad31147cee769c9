//! Checks the providers' functions: what the alias `live` serves, and the concurrency limits.

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
/// The account's limit below which there is a warning. A new account's limit is 10.
const FEW_INVOCATIONS: i32 = 100;
const DEPLOY: &str = "give the stack a new Release and deploy it with DeploymentStrategy=None";

pub(crate) type Variables = BTreeMap<String, String>;

/// A version that gets traffic.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) version: String,
    /// Whether part of the traffic goes to another version.
    pub(crate) is_shifting: bool,
    pub(crate) variables: Variables,
    /// The variables of `$LATEST`, from which the next version will be published.
    pub(crate) latest: Variables,
    /// Whether the code is there and can be invoked.
    pub(crate) is_active: bool,
}

/// Reads what `live` serves. `Err` carries the finding if that fails.
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
    // `Inactive` is fine: the function was idle for weeks, and a call wakes it.
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
    let served = format!("the alias {ALIAS} of {function} serves version {version}");
    if version == "$LATEST" {
        wrong(
            "version",
            format!("{served}, which can change while it gets traffic: deploy the stack again"),
        )
    } else if live.is_shifting {
        warning(
            "version",
            format!(
                "{served}, and another version gets part of the traffic: run this again when the \
                 deployment has ended"
            ),
        )
    } else if !published.is_empty() && !published.contains(&version.as_str()) {
        let published = published.join(", ");
        wrong(
            "version",
            format!(
                "{served}, but the stack published {published}: commit the code that should run, \
                 and deploy the stack"
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

/// Checks that the version that gets the traffic has the stack's resources and settings. `expected`
/// has the variables and their values.
pub(crate) fn environment(function: &str, live: &Live, expected: &[(&str, String)]) -> Finding {
    let Live { version, variables, latest, .. } = live;
    let value = |name: &str| variables.get(name).map(String::as_str).unwrap_or_default();
    let other = expected.iter().find(|(name, expected)| value(name) != expected);
    if let Some((name, expected)) = other {
        let text = format!(
            "version {version} of {function} has {name}={}, but the stack has {expected}: {DEPLOY}",
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

/// What limits a function's concurrent invocations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Concurrency {
    pub(crate) reserved: Option<i32>,
    pub(crate) of_account: i32,
    pub(crate) behind_function_url: bool,
}

/// Reads and judges the limits.
pub(crate) async fn concurrency(lambda: &Client, stack: &Stack, function: &str) -> Finding {
    const CALL: &str = "read the concurrency limits";
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
                "{function} is stopped (its reserved concurrency is 0): set ReservedConcurrency \
                 and deploy"
            ),
        ),
        Some(reserved) => {
            ok("concurrency", format!("{function} has a reserved concurrency of {reserved}"))
        }
        None if behind_function_url => warning(
            "concurrency",
            format!(
                "{function} has a public URL, and only the account's limit of {of_account} \
                 concurrent invocations: set ReservedConcurrency"
            ),
        ),
        None if of_account < FEW_INVOCATIONS => warning(
            "concurrency",
            format!(
                "the account allows {of_account} concurrent invocations of all functions together: \
                 request more in Service Quotas"
            ),
        ),
        None => ok(
            "concurrency",
            format!("{function} shares the account's {of_account} concurrent invocations"),
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
            "{table} also serves another queue, {}, through {names}: an event on one queue counts \
             as a duplicate for the other, and is lost there; give each stack its own table",
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
    fn live_must_serve_the_version_that_the_stack_published() {
        let live = |version: &str| Live {
            version: version.to_owned(),
            is_active: true,
            ..Live::default()
        };
        for (live, expected) in [
            (live("3"), ok("version", "the alias live of receiver serves version 3")),
            (
                live("$LATEST"),
                wrong(
                    "version",
                    "the alias live of receiver serves version $LATEST, which can change while it \
                     gets traffic: deploy the stack again",
                ),
            ),
            (
                live("2"),
                wrong(
                    "version",
                    "the alias live of receiver serves version 2, but the stack published 3: \
                     commit the code that should run, and deploy the stack",
                ),
            ),
            (
                Live { is_shifting: true, ..live("2") },
                warning(
                    "version",
                    "the alias live of receiver serves version 2, and another version gets part of \
                     the traffic: run this again when the deployment has ended",
                ),
            ),
            (
                Live { is_active: false, ..live("3") },
                wrong(
                    "version",
                    "the alias live of receiver serves version 3, which is not active: read its \
                     state with `aws lambda get-function`",
                ),
            ),
        ] {
            assert_eq!(version(&stack("3"), "receiver", &live), expected);
        }
    }

    #[test]
    fn the_served_version_must_have_the_stacks_variables() {
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
            "version 3 of receiver has IDEMPOTENCY_TABLE=old, but the stack has new: give the \
             stack a new Release and deploy it with DeploymentStrategy=None",
        );
        assert_eq!(of(&[("IDEMPOTENCY_TABLE", "old")], &new), stale);
        let differs = wrong(
            "environment",
            "version 3 of receiver differs from $LATEST in PUBLIC_URL, RUST_LOG: give the stack a \
             new Release and deploy it with DeploymentStrategy=None",
        );
        let more = [new[0], ("PUBLIC_URL", "https://a.example/")];
        assert_eq!(of(&[new[0], ("RUST_LOG", "info")], &more), differs);
    }

    #[test]
    fn a_stopped_function_and_low_limits_are_reported() {
        let judge = |reserved, of_account, behind_function_url| {
            judge("receiver", Concurrency { reserved, of_account, behind_function_url })
        };
        let stopped = "receiver is stopped (its reserved concurrency is 0): set \
                       ReservedConcurrency and deploy";
        assert_eq!(judge(Some(0), 1000, false), wrong("concurrency", stopped));
        let own = "receiver has a reserved concurrency of 5";
        assert_eq!(judge(Some(5), 10, true), ok("concurrency", own));
        let unlimited = "receiver has a public URL, and only the account's limit of 1000 \
                         concurrent invocations: set ReservedConcurrency";
        assert_eq!(judge(None, 1000, true), warning("concurrency", unlimited));
        let few = "the account allows 10 concurrent invocations of all functions together: request \
                   more in Service Quotas";
        assert_eq!(judge(None, 10, false), warning("concurrency", few));
        let shared = "receiver shares the account's 100 concurrent invocations";
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
            "records also serves another queue, {other}, through b, c: an event on one queue \
             counts as a duplicate for the other, and is lost there; give each stack its own table"
        );
        assert_eq!(two, wrong("table.shared", expected));
    }
}
