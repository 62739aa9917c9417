// Week by week: how much went out by itself, how much of it the audit found wrong, and whether that breaks the promise.

import { h, svg } from "/ui/shared/dom.js";
import { dateTime, lang, number, percent, t } from "/ui/shared/i18n.js";
import { figure, key } from "./figure.js";
import { frame, level, line, roundTicks, whisker } from "./plot.js";

const HEIGHT = 230;

/** In local time, as the weeks were asked for. */
const dayText = (ms) =>
  new Intl.DateTimeFormat(lang === "zh" ? "zh-CN" : "en", {
    month: "numeric",
    day: "numeric",
  }).format(new Date(ms));

/** `seen`: the server's weeks, oldest first, and its e-process, one value an audit. */
export function weeklyFigures(seen, target) {
  const weeks = seen.weeks.map((week) => ({
    start: week.from_ms,
    share: week.auto_rate ?? 0,
    n: week.n_audited,
    wrong: week.n_wrong,
    high: week.upper,
  }));
  return [
    h("div", {}, h("h2", {}, t("weekly.title")), h("p", { class: "small soft" }, t("weekly.more"))),
    h(
      "div",
      { class: "trio" },
      sentFigure(weeks),
      sum(weeks, "n") > 0 ? auditFigure(weeks, target) : blank("audited"),
      seen.e_process.length > 0 ? alarmFigure(seen, target) : blank("alarm"),
    ),
  ];
}

const blank = (id) =>
  h("div", { class: "figure" }, h("h3", {}, t(`${id}.title`)), h("p", { class: "soft" }, t(`${id}.none`)));

const columns = (weeks) => ({
  domain: [-0.6, weeks.length - 0.4],
  ticks: weeks.map((_, i) => i),
  text: (i) => dayText(weeks[i].start),
  label: t("week"),
  room: 44,
});

function sentFigure(weeks) {
  const draw = (width) => {
    const plot = frame({
      width,
      height: HEIGHT,
      x: columns(weeks),
      y: {
        domain: [0, 1],
        ticks: [0, 0.25, 0.5, 0.75, 1],
        text: (tick) => percent(tick),
        label: t("curve.sent"),
      },
    });
    const wide = Math.min(36, (plot.x(1) - plot.x(0)) * 0.7);
    const bars = weeks.map((week, i) =>
      svg(
        "rect",
        {
          class: "area right",
          x: plot.x(i) - wide / 2,
          width: wide,
          y: plot.y(week.share),
          height: plot.box.bottom - plot.y(week.share),
        },
        svg("title", {}, `${dayText(week.start)}: ${percent(week.share)}`),
      ),
    );
    const last = weeks.at(-1);
    return plot.draw(
      [last && t("sent.alt", { share: percent(last.share) }), t("alt_table")].filter(Boolean).join(" "),
      {
        inside: bars,
      },
    );
  };
  return figure({
    id: "sent",
    title: t("sent.title"),
    isHead: false,
    draw,
    table: {
      head: [t("week"), t("curve.sent")],
      rows: weeks.map((week) => [dayText(week.start), percent(week.share)]),
    },
  }).node;
}

function auditFigure(weeks, target) {
  const highest = weeks.filter((week) => week.n > 0).map((week) => week.high);
  const top = Math.min(1, Math.max(target * 3, ...highest) * 1.05);
  const draw = (width) => {
    const plot = frame({
      width,
      height: HEIGHT,
      x: columns(weeks),
      y: { domain: [0, top], ticks: roundTicks(top), text: (tick) => percent(tick), label: t("audited.y") },
    });
    const dots = weeks.map(
      (week, i) =>
        week.n > 0 &&
        whisker(
          week.wrong / week.n > target ? "bad" : "enough",
          plot.x(i),
          plot.y(week.wrong / week.n),
          [plot.y(week.wrong / week.n), plot.y(week.high)],
          { title: t("audited.week", { week: dayText(week.start), wrong: week.wrong, n: week.n }) },
        ),
    );
    const [n, wrong] = [sum(weeks, "n"), sum(weeks, "wrong")];
    return plot.draw([t("audited.alt", { wrong, n, target: percent(target, 1) }), t("alt_table")].join(" "), {
      inside: dots,
      over: level("target", plot, plot.y(target), t("risk.level", { target: percent(target, 1) })),
    });
  };
  return figure({
    id: "audited",
    title: t("audited.title"),
    isHead: false,
    draw,
    table: {
      head: ["week", "audited.n", "wrong", "audited.y", "audited.upper"].map((name) => t(name)),
      rows: weeks.map((week) => [
        dayText(week.start),
        number(week.n),
        number(week.wrong),
        week.n > 0 ? percent(week.wrong / week.n, 1) : "–",
        week.n > 0 ? percent(week.high, 1) : "–",
      ]),
    },
  }).node;
}

/** How strongly the audits of the certificate in force speak against the promise, on a logarithmic scale. */
function alarmFigure({ e_process: values, warn_at: warn, fall_back_at: stop }, target) {
  const most = Math.max(stop * 3, ...values.map((each) => each.e_value * 2));
  const least = 0.1;
  const decades = [];
  for (let value = least; value <= most; value *= 10) decades.push(Number(value.toPrecision(1)));
  const draw = (width) => {
    const last = values.at(-1);
    const n = Math.max(values.length, 10);
    const plot = frame({
      width,
      height: HEIGHT,
      x: {
        domain: [0, n],
        ticks: roundTicks(n, 4).filter(Number.isInteger),
        text: (tick) => number(tick),
        label: t("alarm.x"),
      },
      y: {
        domain: [least, most],
        ticks: decades,
        text: (tick) => number(tick, 1),
        label: t("alarm.y"),
        log: true,
      },
    });
    const at = (each) => [plot.x(each.nth), plot.y(each.e_value)];
    const wrong = values.filter((each) => each.is_wrong).map((each) => at(each));
    const alt = [
      t("alarm.alt", { warn, stop }),
      last && t("alarm.alt_last", { value: number(last.e_value, 1) }),
      t("alt_table"),
    ];
    return plot.draw(alt.filter(Boolean).join(" "), {
      inside: [
        line("alarm", [[plot.x(0), plot.y(1)], ...values.map(at)]),
        wrong.map(([x, y]) => svg("circle", { class: "alarm-dot", cx: x, cy: y, r: 4 })),
      ],
      over: [
        level("warn", plot, plot.y(warn), t("alarm.warn", { value: warn })),
        level("stop", plot, plot.y(stop), t("alarm.stop", { value: stop })),
      ],
    });
  };
  return figure({
    id: "alarm",
    title: t("alarm.title"),
    more: t("alarm.more", { target: percent(target, 1) }),
    legend: [key("line", "alarm", t("alarm.y")), key("dot", "alarm-wrong", t("alarm.wrong"))],
    isHead: false,
    draw,
    table: {
      head: ["alarm.x", "col.when", "alarm.y", "alarm.found"].map((name) => t(name)),
      rows: values.map((each) => [
        number(each.nth),
        dateTime(each.at_ms),
        number(each.e_value, 2),
        t(each.is_wrong ? "outcome.loss" : "outcome.good"),
      ]),
    },
  }).node;
}

const sum = (list, name) => list.reduce((total, each) => total + each[name], 0);
