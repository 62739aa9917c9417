-- Set for a conversation of a simulated day, and only by a demo: `scripted` if a script points at the lines of its
-- answers, `model` if the generator does.
alter table conversations add column simulated text;

-- What a day of service came to, counted from its messages. A row can be thrown away: it is counted again.
create table figure_days (
    shop_id text not null references shops(id),
    -- its first millisecond
    day_ms bigint not null,
    body text not null,
    made_at_ms bigint not null,
    primary key (shop_id, day_ms)
);
create index messages_by_time on messages(shop_id, created_at_ms);

create table figure_rules (
    shop_id text primary key references shops(id),
    body text not null,
    updated_at_ms bigint not null
);

-- How the fields of a shop platform are called, and what they are to us.
create table order_mappings (
    shop_id text not null references shops(id),
    name text not null,
    body text not null,
    updated_at_ms bigint not null,
    primary key (shop_id, name)
);

-- A search for orders that a person looks at again and again.
create table order_filters (
    id text primary key,
    shop_id text not null references shops(id),
    account_id text not null,
    name text not null,
    body text not null,
    created_at_ms bigint not null,
    unique (shop_id, account_id, name)
);

-- A message that a person sent to many buyers at once, about their orders.
create table bulk_messages (
    id text primary key,
    shop_id text not null references shops(id),
    account_id text not null,
    n_conversations bigint not null,
    created_at_ms bigint not null
);
create index bulk_messages_by_time on bulk_messages(shop_id, created_at_ms);
