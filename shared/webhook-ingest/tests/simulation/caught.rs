//! Tests that the simulation catches each flaw.

use crate::{flaws::Flaw, plan::Gaps, run::Scenario, seeds::sweep};

/// Enough seeds to catch each flaw.
const SEEDS: u64 = 100_000;

fn is_caught(flaw: Flaw) {
    let scenario = Scenario { gaps: Gaps::Any, flaw: Some(flaw) };
    let swept = sweep(0..SEEDS, scenario);
    let Some((seed, violation)) = swept.broken else {
        panic!("{flaw:?} is not caught within {SEEDS} seeds")
    };
    eprintln!("{flaw:?} is caught by seed {seed}: {violation}");
}

macro_rules! flaws_are_caught {
    ($($name:ident: $flaw:ident;)*) => {
        $(
            #[test]
            fn $name() {
                is_caught(Flaw::$flaw);
            }
        )*
    };
}

flaws_are_caught! {
    a_store_without_a_fence_is_caught: NoFence;
    a_release_without_a_token_is_caught: ReleaseWithoutToken;
    a_lease_that_is_ignored_is_caught: LeaseIgnored;
    a_lease_that_is_too_short_is_caught: LeaseTooShort;
    a_lease_without_a_margin_for_clocks_is_caught: LeaseWithoutMarginForClocks;
    a_200_on_a_delivery_in_flight_is_caught: InProgressAnswered200;
    a_failed_claim_taken_for_ours_is_caught: FailedClaimTakenForOurs;
    a_complete_before_the_send_is_caught: CompletesBeforeSend;
    a_record_that_is_never_completed_is_caught: NeverCompletes;
    an_own_claim_taken_for_a_duplicate_is_caught: OwnClaimTakenForDuplicate;
    an_expiry_by_deletion_only_is_caught: ExpiryByDeletionOnly;
    a_record_that_expires_before_sqs_forgets_is_caught: RecordDiesBeforeDeduplication;
    a_retention_shorter_than_the_tolerance_is_caught: RetentionShorterThanTolerance;
    a_claim_by_get_then_put_is_caught: GetThenPut;
    a_200_on_a_failed_send_is_caught: FailedSendAnswered200;
    a_deduplication_by_the_token_is_caught: DeduplicatedByToken;
    an_identity_from_the_unsigned_delivery_id_is_caught: IdentifiedByDeliveryId;
    an_identity_from_the_registration_is_caught: IdentifiedByRegistration;
    a_verification_that_is_skipped_is_caught: VerificationSkipped;
    a_clock_that_is_not_checked_is_caught: ClockNotChecked;
    a_previous_secret_that_is_ignored_is_caught: PreviousSecretIgnored;
}
