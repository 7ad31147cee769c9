//! Secrets Manager out of reach while a secret is cached.

use webhook_tests::{
    emulator::{Aws, Emulator},
    lambda::Instance,
    proxy::{Call, Fault},
    traffic::{Event, Kind, Seen},
};

use crate::case::{FaultExtent, LONG, Rule, script, variables, wrong};

#[tokio::test]
async fn while_secrets_manager_is_down_only_the_cached_secret_verifies() {
    let faults = [Fault::Error, Fault::Throttle, Fault::ResetBefore, Fault::ResetAfter];
    for (number, fault) in faults.into_iter().enumerate() {
        let kind = Kind::in_turn(number);
        let emulator = &Emulator::shared().endpoint;
        let aws = Aws::at(emulator);
        let mut variables = variables(kind.provider, &aws).await;
        // Each delivery fetches the secret.
        variables.insert("SECRET_CACHE_S".to_owned(), "0".to_owned());
        let instance = Instance::new(kind.provider.name(), &variables, emulator).await;
        let events = [1, 2, 3].map(|number| Event::new(kind, number));
        let deliver = async |event: &Event| {
            Seen::read(event, instance.invoke(event.delivery(), LONG, None).await)
        };
        assert_eq!(deliver(&events[0]).await, Ok(Seen::Accepted), "{kind:?}, {fault:?}");

        let down = |call| Rule { call, fault, lasts: FaultExtent::Throughout };
        instance.proxy.follow(script(&[down(Call::CurrentSecret), down(Call::PreviousSecret)]));
        assert_eq!(deliver(&events[1]).await, Ok(Seen::Accepted), "{kind:?}, {fault:?}");
        let forged =
            Seen::read(&events[2], instance.invoke(events[2].forgery(1), LONG, None).await);
        assert_eq!(
            forged,
            Ok(Seen::Unavailable),
            "{kind:?}, {fault:?}: it may be signed with a secret that is not known yet"
        );
        assert_eq!(deliver(&events[1]).await, Ok(Seen::Duplicate), "{kind:?}, {fault:?}");
        assert_eq!(deliver(&events[2]).await, Ok(Seen::Accepted), "{kind:?}, {fault:?}");
        let wrong =
            wrong(&aws, &variables["IDEMPOTENCY_TABLE"], &variables["QUEUE_URL"], &events).await;
        assert_eq!(wrong, Vec::<String>::new(), "{kind:?}, {fault:?}");
    }
}
