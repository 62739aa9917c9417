-- The key that every secret of this database is encrypted with, by its fingerprint; the key itself is kept elsewhere.
create table secret_keys (
    id text primary key,
    created_at_ms bigint not null
);

-- Whether those who set the rules must have a second factor.
alter table shops add column needs_second_factor bigint not null default 0;

-- A session that a command of this machine made, and nobody signed in for.
alter table sessions add column by_command bigint not null default 0;
