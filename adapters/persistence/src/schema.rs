//! The tables, context by context. A table's name starts with its context; no query crosses contexts.

diesel::table! {
    outbox_subscribers (subscriber) {
        subscriber -> Text,
    }
}

diesel::table! {
    outbox (position) {
        position -> BigInt,
        event_id -> Binary,
        subscriber -> Text,
        context -> Text,
        name -> Text,
        payload -> Text,
        is_confidential -> Bool,
        aggregate_type -> Text,
        aggregate_id -> Binary,
        aggregate_version -> Integer,
        occurred_at -> Timestamp,
        correlation_id -> Text,
        state -> Text,
        attempts -> Integer,
        next_attempt_at -> Nullable<Timestamp>,
        lease_owner -> Nullable<Binary>,
        fence -> BigInt,
        trace_parent -> Nullable<Text>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    outbox_handled (subscriber, event_id) {
        subscriber -> Text,
        event_id -> Binary,
        taken_until -> Timestamp,
        handled_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    idempotency_requests (scope, request_key) {
        scope -> Binary,
        request_key -> Binary,
        fingerprint -> Binary,
        answer -> Nullable<Binary>,
        made_at -> Timestamp,
    }
}

diesel::table! {
    user_users (id) {
        id -> Binary,
        username -> Text,
        phone_number -> Nullable<Text>,
        email -> Nullable<Text>,
        user_type -> Text,
        is_staff -> Bool,
        is_superuser -> Bool,
        is_active -> Bool,
        is_banned -> Bool,
        full_name -> Nullable<Text>,
        date_of_birth -> Nullable<Date>,
        image -> Nullable<Text>,
        locale -> Text,
        joined_at -> Timestamp,
        deactivated_at -> Nullable<Timestamp>,
        unregistered_at -> Nullable<Timestamp>,
        banned_number_hash -> Nullable<Binary>,
        version -> Integer,
    }
}

diesel::table! {
    user_permission_groups (user_id, name) {
        user_id -> Binary,
        name -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(user_permission_groups, user_users);

diesel::table! {
    user_discarded_images (image) {
        image -> Text,
        due_at -> Timestamp,
    }
}

diesel::table! {
    auth_credentials (account_id) {
        account_id -> Binary,
        password_hash -> Text,
    }
}

diesel::table! {
    auth_sessions (id) {
        id -> Binary,
        account_id -> Binary,
        refresh_token_hash -> Binary,
        user_agent -> Nullable<Text>,
        address -> Nullable<Text>,
        opened_at -> Timestamp,
        last_used_at -> Timestamp,
        expires_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    auth_spent_refresh_tokens (hash) {
        hash -> Binary,
        session_id -> Binary,
        spent_at -> Timestamp,
    }
}

diesel::table! {
    auth_challenges (id) {
        id -> Binary,
        phone_number -> Text,
        sequence -> Integer,
        is_newest -> Bool,
        purpose -> Text,
        account_id -> Nullable<Binary>,
        token_hash -> Binary,
        requested_at -> Timestamp,
        expires_at -> Timestamp,
        wrong_tries -> Integer,
        failures_before -> Integer,
        state -> Text,
        decided_at -> Nullable<Timestamp>,
        version -> Integer,
    }
}

diesel::table! {
    auth_api_keys (id) {
        id -> Binary,
        name -> Text,
        prefix -> Text,
        key_hash -> Binary,
        scopes -> Text,
        created_by -> Nullable<Binary>,
        created_at -> Timestamp,
        expires_at -> Nullable<Timestamp>,
        last_used_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    auth_allowed_numbers (phone_number) {
        phone_number -> Text,
        description -> Text,
    }
}

diesel::table! {
    distribution_centers (id) {
        id -> Binary,
        center_code -> Text,
        name -> Text,
        created_at -> Timestamp,
        closing_id -> Nullable<Binary>,
        version -> Integer,
    }
}

diesel::table! {
    distribution_center_staff (center_id, staff_id) {
        center_id -> Binary,
        staff_id -> Binary,
        place -> Integer,
    }
}

diesel::table! {
    shipping_items (id) {
        id -> Binary,
        tracking_number -> Text,
        sku -> Text,
        status -> Text,
        current_center_code -> Nullable<Text>,
        created_at -> Timestamp,
        completed_at -> Nullable<Timestamp>,
        version -> Integer,
    }
}

diesel::table! {
    shipping_transports (id) {
        id -> Binary,
        source_code -> Text,
        destination_code -> Text,
        driver_id -> Nullable<Binary>,
        on_road_driver_id -> Nullable<Binary>,
        state -> Text,
        created_at -> Timestamp,
        departed_at -> Nullable<Timestamp>,
        arrived_at -> Nullable<Timestamp>,
        version -> Integer,
    }
}

diesel::table! {
    shipping_batches (id) {
        id -> Binary,
        alias -> Text,
        state -> Text,
        transport_id -> Nullable<Binary>,
        created_at -> Timestamp,
        completed_at -> Nullable<Timestamp>,
        version -> Integer,
    }
}

diesel::table! {
    shipping_batch_items (item_id, batch_id) {
        item_id -> Binary,
        batch_id -> Binary,
        open_item_id -> Nullable<Binary>,
        added_at -> Timestamp,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    shipping_batch_items,
    shipping_batches,
    shipping_items,
    shipping_transports,
);
