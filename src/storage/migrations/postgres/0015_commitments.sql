-- What the shop told buyers that it will do, heard in its replies or written down by hand.
create table commitments (
    id text primary key,
    shop_id text not null references shops(id),
    conversation_id text not null references conversations(id),
    message_id text not null references messages(id),
    -- which one of its message
    ordinal bigint not null,
    kind text not null,
    department text not null,
    -- `open`, `kept`, `dismissed`
    state text not null,
    version bigint not null default 0,
    -- in the words of the reply, or of whoever corrected them
    what text not null,
    -- who said it; none for the assistant
    author_id text,
    owner_id text,
    order_id text,
    -- whether the reply named the time
    due_was_said bigint not null,
    due_at_ms bigint not null,
    -- how it is known that it was kept, or what seems to show it
    evidence text,
    proposed text,
    reminded_at_ms bigint,
    escalated_at_ms bigint,
    escalated_to_id text,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    closed_at_ms bigint,
    unique (message_id, ordinal)
);
create index commitments_by_due on commitments(shop_id, state, due_at_ms);
create index commitments_by_conversation on commitments(conversation_id);

create table commitment_rules (
    shop_id text primary key references shops(id),
    body text not null,
    updated_at_ms bigint not null
);

-- How each day ended, in numbers, counted that night.
create table commitment_days (
    shop_id text not null references shops(id),
    -- days since 1970 where the shop is
    day bigint not null,
    body text not null,
    created_at_ms bigint not null,
    primary key (shop_id, day)
);

-- Who works when: a shift begins and ends by the clock of the shop, on some days of the week.
create table shifts (
    id text primary key,
    shop_id text not null references shops(id),
    name text not null,
    -- the sum of 1 for Monday, 2 for Tuesday … 64 for Sunday
    weekdays bigint not null,
    from_min bigint not null,
    until_min bigint not null,
    agents text not null,
    created_at_ms bigint not null
);
create index shifts_by_shop on shifts(shop_id, from_min);

-- What a shift left to the next: ids and numbers, no buyer's words. They are looked up when it is read, while they last.
create table handovers (
    id text primary key,
    shop_id text not null references shops(id),
    shift_id text,
    shift_name text not null,
    author_id text,
    began_at_ms bigint not null,
    ended_at_ms bigint not null,
    note text not null,
    body text not null,
    created_at_ms bigint not null,
    unique (shop_id, shift_id, ended_at_ms)
);
create index handovers_by_time on handovers(shop_id, ended_at_ms);
