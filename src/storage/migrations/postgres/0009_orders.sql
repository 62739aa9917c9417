-- What the shop's other systems say: products, buyers, orders. Facts stand in `body`, each with the time it was true at;
-- the other columns are there to search by.
create table products (
    id text primary key,
    shop_id text not null references shops(id),
    platform text not null,
    sku text not null,
    body text not null,
    updated_at_ms bigint not null,
    unique (shop_id, platform, sku)
);
create index products_by_sku on products(shop_id, sku);

-- A buyer whom the shop has named, in a signed identity, an order or an event.
create table buyers (
    shop_id text not null references shops(id),
    buyer_id text not null,
    first_seen_at_ms bigint not null,
    seen_at_ms bigint not null,
    primary key (shop_id, buyer_id)
);

create table product_views (
    shop_id text not null references shops(id),
    buyer_id text not null,
    sku text not null,
    viewed_at_ms bigint not null,
    primary key (shop_id, buyer_id, sku)
);

create table orders (
    id text primary key,
    shop_id text not null references shops(id),
    platform text not null,
    number text not null,
    buyer_id text,
    phone_last4 text,
    stage text,
    body text not null,
    as_of_ms bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    unique (shop_id, platform, number)
);
create index orders_by_buyer on orders(shop_id, buyer_id, as_of_ms);
create index orders_by_number on orders(shop_id, number);
create index orders_by_time on orders(shop_id, as_of_ms);

-- What was told of an order, and by whom. An event of a webhook has its sender's id and is taken once.
create table order_events (
    id text primary key,
    shop_id text not null references shops(id),
    order_id text references orders(id),
    event_id text,
    -- `api`, `sheet`, `webhook`
    source text not null,
    kind text not null,
    at_ms bigint not null,
    received_at_ms bigint not null,
    unique (shop_id, event_id)
);
create index order_events_by_order on order_events(order_id, received_at_ms);

-- An order number with digits of a phone that did not fit: guessing must not pay.
create table order_lookups (
    id text primary key,
    shop_id text not null references shops(id),
    conversation_id text not null,
    number_hash text not null,
    tried_at_ms bigint not null
);
create index order_lookups_by_time on order_lookups(shop_id, tried_at_ms);

create table imports (
    id text primary key,
    shop_id text not null references shops(id),
    account_id text not null,
    -- `orders`, `products`
    kind text not null,
    file_name text not null,
    sha256 text not null,
    -- `queued`, `done`, `failed`
    state text not null,
    error text,
    n_rows bigint not null default 0,
    n_taken bigint not null default 0,
    -- refused rows, each with its problem
    refused text not null default '[]',
    created_at_ms bigint not null,
    finished_at_ms bigint
);
create index imports_by_shop on imports(shop_id, created_at_ms);

create table tasks (
    id text primary key,
    shop_id text not null references shops(id),
    kind text not null,
    department text not null,
    state text not null,
    version bigint not null default 0,
    conversation_id text,
    turn_id text,
    order_id text,
    -- what is asked for, in the buyer's or the agent's words
    asked text not null,
    -- how a return was ruled on
    ruling text,
    assignee_id text,
    author_id text,
    -- how it is known that it was done, or why it was dropped
    evidence text,
    notes text not null default '[]',
    due_at_ms bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    unique (turn_id, kind)
);
create index tasks_by_state on tasks(shop_id, state, due_at_ms);
create index tasks_by_conversation on tasks(conversation_id);

create table record_rules (
    shop_id text primary key references shops(id),
    body text not null,
    updated_at_ms bigint not null
);

-- What a reply shows beside its text: a copy of the record at that moment.
alter table turns add column card text;
alter table messages add column card text;

-- What a key signs: `identity` of buyers, or `webhook`.
alter table buyer_keys add column purpose text not null default 'identity';
