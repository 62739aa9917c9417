-- Until when the shop's word on who the buyer is holds; whoever writes later is as good as anonymous.
alter table conversations add column identified_until_ms bigint not null default 0;
