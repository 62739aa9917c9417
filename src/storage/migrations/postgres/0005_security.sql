-- A chunk that looks as if it spoke to the assistant: `waiting` for staff, `approved`, or `kept_out`; null for all
-- others. Waiting and kept out ones are `disabled`, too, so that no query can forget them.
alter table chunks add column quarantine text;
alter table chunks add column suspicions text not null default '[]';
create index chunks_in_quarantine on chunks(shop_id, quarantine);

-- Sites that an answer may link to without a person, beside those that show the shop's widgets.
alter table shops add column link_hosts text not null default '[]';

-- The second factor: null until it was set up; one that is being set up opens nothing yet. A code is good once.
alter table accounts add column totp_secret text;
alter table accounts add column totp_pending text;
alter table accounts add column totp_last_step bigint not null default 0;

create table recovery_codes (
    code_hash text primary key,
    account_id text not null references accounts(id)
);
create index recovery_codes_by_account on recovery_codes(account_id);

-- A session has a name that may be shown, a limit of its own for idling, and a time until which no password is asked.
alter table sessions add column id text;
alter table sessions add column idle_ms bigint not null default 43200000;
alter table sessions add column confirmed_until_ms bigint not null default 0;
alter table sessions add column address text not null default '';
alter table sessions add column agent text not null default '';

create table api_tokens (
    id text primary key,
    shop_id text not null references shops(id),
    account_id text not null references accounts(id),
    name text not null,
    token_hash text not null unique,
    scopes text not null,
    created_at_ms bigint not null,
    expires_at_ms bigint not null,
    used_at_ms bigint
);
create index api_tokens_by_shop on api_tokens(shop_id);

-- What a shop signs the identity of its buyers with: at most two at a time.
create table buyer_keys (
    id text primary key,
    shop_id text not null references shops(id),
    secret text not null,
    created_at_ms bigint not null
);
create index buyer_keys_by_shop on buyer_keys(shop_id);

-- Who the shop says the buyer is; null for an anonymous one.
alter table conversations add column buyer_id text;
create index conversations_by_buyer_id on conversations(shop_id, buyer_id);

-- Each entry holds the hash of the one before it; the head says where the chain ends. Entries from before have none.
alter table audit_log add column number bigint;
alter table audit_log add column previous_hash text;
alter table audit_log add column hash text;
create unique index audit_number on audit_log(shop_id, number);

create table audit_heads (
    shop_id text primary key references shops(id),
    number bigint not null,
    hash text not null
);
