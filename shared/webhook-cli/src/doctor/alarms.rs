//! Checks the alarms, and that somebody is notified.

use aws_sdk_sns::{Client, types::Subscription};
use webhook_aws::{SdkConfig, call_error};

use crate::doctor::{
    asked::Asked,
    cloudwatch::{self, Alarm},
    keys::Keys,
    report::{Finding, ok, skipped, unknown, warning, wrong},
    stack::Stack,
};

/// Part of the name of each alarm that watches a single version.
const OF_VERSION: &str = "-of-version-";

/// Checks the alarms and their topic, and notes its key.
pub(crate) async fn check(config: &SdkConfig, stack: &Stack, keys: &mut Keys) -> Vec<Finding> {
    let Some(topic) = stack.output("AlarmTopicArn") else {
        return vec![skipped(
            "alarms",
            format!("{} has no alarms (Alarms=false): nobody is told of a fault", stack.name),
        )];
    };
    let names: Vec<_> = stack.resources_of("AWS::CloudWatch::Alarm").collect();
    let alarms = match cloudwatch::alarms(config, &names).await {
        Ok(alarms) => judge(stack, &names, &alarms, topic),
        Err(error) => vec![unknown("alarms", "describe the alarms", &error)],
    };
    let sns = Client::new(config);
    let mut subscriptions = Vec::new();
    let mut pages =
        sns.list_subscriptions_by_topic().topic_arn(topic).into_paginator().items().send();
    let failed = loop {
        match pages.next().await {
            Some(Ok(subscription)) => subscriptions.push(subscription),
            Some(Err(error)) => break Some(Asked::from(Err::<(), _>(call_error(&error)))),
            None => break None,
        }
    };
    let heard = match failed {
        None => subscribed(topic, &subscriptions),
        Some(Asked::Failed(error)) => {
            unknown("alarms.heard", &format!("list the subscriptions of {topic}"), &error)
        }
        Some(_) => {
            wrong("alarms.heard", format!("{topic} does not exist: name another in AlarmTopicArn"))
        }
    };
    // If this call fails, the finding about the subscriptions says what is wrong with the topic.
    if let Ok(attributes) = sns.get_topic_attributes().topic_arn(topic).send().await {
        let attributes = attributes.attributes.unwrap_or_default();
        keys.used(
            attributes.get("KmsMasterKeyId").map(String::as_str),
            "the topic of the alarms",
            false,
        );
    }
    alarms.into_iter().chain([heard]).collect()
}

fn judge(stack: &Stack, names: &[&str], alarms: &[Alarm], topic: &str) -> Vec<Finding> {
    let missing: Vec<_> =
        names.iter().filter(|name| alarms.iter().all(|alarm| alarm.name != **name)).collect();
    // The alarms of a version roll a deployment back, and notify nobody: infra/provider-alarms.yaml
    // has the reason.
    let notifying = || alarms.iter().filter(|alarm| !alarm.name.contains(OF_VERSION));
    let silent: Vec<_> = notifying().filter(|alarm| !alarm.actions_enabled).collect();
    let elsewhere: Vec<_> =
        notifying().filter(|alarm| !alarm.actions.iter().any(|action| action == topic)).collect();
    let list = |alarms: &[&Alarm]| {
        alarms.iter().map(|alarm| alarm.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut findings = Vec::new();
    if !missing.is_empty() {
        let missing = missing.iter().map(|name| **name).collect::<Vec<_>>().join(", ");
        findings.push(wrong(
            "alarms",
            format!(
                "deleted alarms: {missing}; deploy the stack with Alarms=false, and then with \
                 Alarms=true"
            ),
        ));
    }
    if names.is_empty() {
        findings.push(wrong("alarms", format!("{} has no alarms: deploy it again", stack.name)));
    }
    if !silent.is_empty() {
        let text = format!(
            "alarms whose actions are off: {}; run `aws cloudwatch enable-alarm-actions`",
            list(&silent)
        );
        findings.push(wrong("alarms", text));
    }
    if !elsewhere.is_empty() {
        findings.push(wrong(
            "alarms",
            format!(
                "alarms that do not notify {topic}: {}; deploy the stack again",
                list(&elsewhere)
            ),
        ));
    }
    if findings.is_empty() {
        findings.push(ok(
            "alarms",
            format!("{} alarms of {} notify {topic}", notifying().count(), stack.name),
        ));
    }
    let ringing: Vec<_> = alarms.iter().filter(|alarm| alarm.state == "ALARM").collect();
    if !ringing.is_empty() {
        let text =
            format!("alarms in state ALARM: {}; infra/ALARMS.md says what to do", list(&ringing));
        findings.push(warning("alarms.state", text));
    }
    findings
}

fn subscribed(topic: &str, subscriptions: &[Subscription]) -> Finding {
    // An unconfirmed subscription has a word in place of its ARN.
    let confirmed = subscriptions
        .iter()
        .filter_map(Subscription::subscription_arn)
        .filter(|arn| arn.starts_with("arn:"));
    match (confirmed.count(), subscriptions.len()) {
        (0, 0) => wrong(
            "alarms.heard",
            format!(
                "nobody is subscribed to {topic}: set AlarmEmail and deploy, or run `aws sns \
                 subscribe`"
            ),
        ),
        (0, pending) => wrong(
            "alarms.heard",
            format!(
                "no subscription of {topic} is confirmed ({pending} pending): open the link in \
                 SNS's e-mail"
            ),
        ),
        (confirmed, all) if confirmed < all => warning(
            "alarms.heard",
            format!(
                "{} of {all} subscriptions of {topic} are not confirmed: open the link in SNS's \
                 e-mail",
                all - confirmed
            ),
        ),
        (confirmed, _) => ok(
            "alarms.heard",
            format!("{confirmed} of {confirmed} subscriptions of {topic} are confirmed"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(name: &str) -> Alarm {
        Alarm {
            name: name.to_owned(),
            actions_enabled: true,
            actions: vec!["arn:topic".to_owned()],
            state: "OK".to_owned(),
        }
    }

    #[test]
    fn alarms_must_exist_and_notify_the_topic() {
        let stack = Stack { name: "webhooks".to_owned(), ..Stack::default() };
        let judged = |alarms: &[Alarm]| judge(&stack, &["a", "b"], alarms, "arn:topic");
        let right = ok("alarms", "2 alarms of webhooks notify arn:topic");
        assert_eq!(judged(&[alarm("a"), alarm("b")]), std::slice::from_ref(&right));
        let of_version =
            Alarm { actions_enabled: false, actions: Vec::new(), ..alarm("a-errors-of-version-7") };
        assert_eq!(judged(&[alarm("a"), alarm("b"), of_version]), std::slice::from_ref(&right));
        let deleted = "deleted alarms: b; deploy the stack with Alarms=false, and then with \
                       Alarms=true";
        assert_eq!(judged(&[alarm("a")]), [wrong("alarms", deleted)]);
        let silent = Alarm { actions_enabled: false, ..alarm("b") };
        let off = "alarms whose actions are off: b; run `aws cloudwatch enable-alarm-actions`";
        assert_eq!(judged(&[alarm("a"), silent]), [wrong("alarms", off)]);
        let elsewhere = Alarm { actions: vec!["arn:other".to_owned()], ..alarm("b") };
        let not_sent = "alarms that do not notify arn:topic: b; deploy the stack again";
        assert_eq!(judged(&[alarm("a"), elsewhere]), [wrong("alarms", not_sent)]);
        let ringing = Alarm { state: "ALARM".to_owned(), ..alarm("b") };
        let rings =
            warning("alarms.state", "alarms in state ALARM: b; infra/ALARMS.md says what to do");
        assert_eq!(judged(&[alarm("a"), ringing]), [right, rings]);
        assert_eq!(
            judge(&stack, &[], &[], "arn:topic"),
            [wrong("alarms", "webhooks has no alarms: deploy it again")]
        );
    }

    #[test]
    fn a_subscription_must_be_confirmed() {
        let of = |arns: &[&str]| {
            let subscription = |arn: &&str| Subscription::builder().subscription_arn(*arn).build();
            subscribed("arn:topic", &arns.iter().map(subscription).collect::<Vec<_>>())
        };
        let nobody = "nobody is subscribed to arn:topic: set AlarmEmail and deploy, or run `aws \
                      sns subscribe`";
        assert_eq!(of(&[]), wrong("alarms.heard", nobody));
        let pending =
            "no subscription of arn:topic is confirmed (1 pending): open the link in SNS's e-mail";
        assert_eq!(of(&["PendingConfirmation"]), wrong("alarms.heard", pending));
        let some = "1 of 2 subscriptions of arn:topic are not confirmed: open the link in SNS's \
                    e-mail";
        assert_eq!(of(&["arn:topic:1", "PendingConfirmation"]), warning("alarms.heard", some));
        assert_eq!(
            of(&["arn:topic:1"]),
            ok("alarms.heard", "1 of 1 subscriptions of arn:topic are confirmed")
        );
    }
}
