// Tells an agent who looks elsewhere: a number in the tab's title and, if wanted, a soft sound.

import { t } from "/ui/shared/i18n.js";
import { load, save } from "/ui/shared/store.js";

const KEY = "kefu_sound";
let known = null;
let audio = null;

export const isSoundOn = () => load(KEY, false);

export function setSound(on) {
  save(KEY, on);
  if (on) ring();
}

/** A new one rings, not a change of one that waits already. */
export function alertFor(desk) {
  const n = desk.counts.review ?? 0;
  document.title = `${n ? `(${n}) ` : ""}${t("room.console")} · kefu`;
  const isNew = known !== null && n > known;
  if (desk.counts.review !== undefined) known = n;
  if (isNew && isSoundOn()) ring();
}

function ring() {
  audio ??= new AudioContext();
  const now = audio.currentTime;
  for (const [at, pitch] of [
    [0, 660],
    [0.14, 880],
  ]) {
    const [tone, loudness] = [audio.createOscillator(), audio.createGain()];
    tone.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.0001, now + at);
    loudness.gain.exponentialRampToValueAtTime(0.12, now + at + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.0001, now + at + 0.3);
    tone.connect(loudness).connect(audio.destination);
    tone.start(now + at);
    tone.stop(now + at + 0.32);
  }
}
