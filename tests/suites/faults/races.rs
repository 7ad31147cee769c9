//! Two instances and one event.

use webhook_tests::{
    emulator::{Aws, Emulator},
    lambda::Instance,
    proxy::{Call, Fault},
    traffic::{Event, Kind, Seen},
};

use crate::case::{FaultExtent, LONG, Rule, script, variables, wrong};

#[tokio::test]
async fn while_one_instance_waits_for_any_call_another_answers_409() {
    let emulator = &Emulator::shared().endpoint;
    let aws = Aws::at(emulator);
    for kind in Kind::all() {
        let variables = variables(kind.provider, &aws).await;
        let owner = Instance::new(kind.provider.name(), &variables, emulator).await;
        let other = Instance::new(kind.provider.name(), &variables, emulator).await;
        let mut events = Vec::new();
        for (call, fault) in [
            (Call::Claim, Fault::HoldAfter),
            (Call::Send, Fault::HoldBefore),
            (Call::Send, Fault::HoldAfter),
            (Call::Complete, Fault::HoldBefore),
        ] {
            let event = Event::new(kind, events.len());
            let rule = Rule { call, fault, lasts: FaultExtent::Once };
            owner.proxy.follow(script(&[rule]));
            let meanwhile = async {
                owner.proxy.reached(call, fault).await;
                let seen = Seen::read(&event, other.invoke(event.delivery(), LONG, None).await);
                owner.proxy.let_go();
                seen
            };
            let (answered, seen) =
                tokio::join!(owner.invoke(event.delivery(), LONG, None), meanwhile);
            assert!(matches!(seen, Ok(Seen::InFlight(18..=20))), "{kind:?}, {rule:?}: {seen:?}");
            assert_eq!(Seen::read(&event, answered), Ok(Seen::Accepted), "{kind:?}, {rule:?}");
            let seen = Seen::read(&event, other.invoke(event.delivery(), LONG, None).await);
            assert_eq!(seen, Ok(Seen::Duplicate), "{kind:?}, {rule:?}");
            events.push(event);
        }
        let wrong =
            wrong(&aws, &variables["IDEMPOTENCY_TABLE"], &variables["QUEUE_URL"], &events).await;
        assert_eq!(wrong, Vec::<String>::new(), "{kind:?}");
    }
}
