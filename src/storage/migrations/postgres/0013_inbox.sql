-- Where a conversation stands in the inbox: written by `inbox::place` in the transaction of every change. Read off
-- messages and turns for each page, five thousand open conversations would be read for fifty lines.
alter table conversations add column waiting_since_ms bigint;
alter table conversations add column last_reply_by text;
alter table conversations add column needs_person bigint not null default 0;
alter table conversations add column place_ms bigint not null default 0;
-- Whose it is when a person is needed; the assistant may still be the one who answers.
alter table conversations add column assignee_id text;
alter table conversations add column escalated bigint not null default 0;
alter table conversations add column marked bigint not null default 0;

update conversations set assignee_id = agent_id where handler = 'agent';
update conversations set last_reply_by = (select r.author from messages r where r.conversation_id = conversations.id
    and r.author in ('assistant', 'reviewed', 'agent') order by r.seq desc limit 1) where kind = 'buyer';
update conversations set waiting_since_ms = (select b.created_at_ms from messages b
    where b.conversation_id = conversations.id and b.author = 'buyer' and b.seq > coalesce((select max(s.seq)
    from messages s where s.conversation_id = conversations.id and s.author in ('assistant', 'reviewed', 'agent')), 0)
    order by b.seq limit 1) where kind = 'buyer' and closed = 0;
update conversations set needs_person = 1 where kind = 'buyer' and closed = 0 and exists (select 1 from turns t
    where t.conversation_id = conversations.id and t.state in ('review', 'escalated', 'rejected'));
-- Without the doubts about drafts, which the next change of the conversation adds.
update conversations set place_ms = case
    when waiting_since_ms is not null then waiting_since_ms
    when needs_person = 1 then updated_at_ms
    else 10000000000000 - updated_at_ms end;

create index inbox_all on conversations(shop_id, kind, place_ms, id);
create index inbox_open on conversations(shop_id, kind, closed, place_ms, id);
create index inbox_review on conversations(shop_id, kind, needs_person, place_ms, id);
create index inbox_mine on conversations(shop_id, kind, assignee_id, closed, place_ms, id);
create index inbox_auto on conversations(shop_id, kind, last_reply_by, place_ms, id);

create table conversation_tags (
    shop_id text not null references shops(id),
    tag text not null,
    conversation_id text not null references conversations(id),
    primary key (shop_id, tag, conversation_id)
);
create index tags_of_conversation on conversation_tags(conversation_id);

-- The people who answer: whether they are there, and what they know. Who never said so is away.
create table agents (
    account_id text primary key references accounts(id),
    shop_id text not null references shops(id),
    on_duty bigint not null default 0,
    since_ms bigint not null,
    is_lead bigint not null default 0,
    -- codes; none stands for all
    topics text not null default '[]',
    langs text not null default '[]',
    max_waiting bigint not null default 10,
    last_given_ms bigint not null default 0
);
create index agents_by_shop on agents(shop_id, on_duty);

-- Who gave a conversation to whom and why: for the shop's people only.
create table transfers (
    id text primary key,
    shop_id text not null references shops(id),
    conversation_id text not null references conversations(id),
    -- `assigned`, `transferred`, `escalated`
    kind text not null,
    -- null where the server chose
    by_id text,
    to_id text not null,
    reason text not null,
    created_at_ms bigint not null
);
create index transfers_by_conversation on transfers(conversation_id, created_at_ms);

-- How fast buyers are to be answered, and whether the server gives conversations to people.
create table inbox_rules (
    shop_id text primary key references shops(id),
    body text not null,
    updated_at_ms bigint not null
);

-- Searches and filters that an agent has kept.
create table inbox_views (
    id text primary key,
    shop_id text not null references shops(id),
    account_id text not null references accounts(id),
    name text not null,
    body text not null,
    created_at_ms bigint not null,
    unique (account_id, name)
);
