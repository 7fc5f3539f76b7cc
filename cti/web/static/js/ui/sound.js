// The sound of a ringing call and the desktop notice when the tab is hidden. Both can be switched off.
import { signal } from '../lib.js';

const looks = window.thirteenLooks;

export const soundOn = signal(looks.read('sound') !== 'off');
export function setSound(on) {
  soundOn.value = on;
  looks.keep('sound', on ? 'on' : 'off');
  if (on) chime();
}

let audio = null;
// A browser lets a page sound only after the first touch of it.
const wake = () => {
  if (!soundOn.value) return;
  audio ??= new AudioContext();
  if (audio.state === 'suspended') audio.resume();
};
window.addEventListener('pointerdown', wake);
window.addEventListener('keydown', wake);

/** Two soft notes, a fifth apart; `urgent` a third one above. */
export function chime(urgent = false) {
  if (!soundOn.value || audio?.state !== 'running') return;
  const notes = urgent ? [659, 988, 1319] : [659, 988];
  notes.forEach((hz, i) => {
    const at = audio.currentTime + i * 0.16;
    const tone = audio.createOscillator();
    const gain = audio.createGain();
    tone.frequency.value = hz;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.12, at + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, at + 0.45);
    tone.connect(gain).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.5);
  });
}

export const notifyState = signal('Notification' in window ? Notification.permission : 'denied');
export async function askNotify() {
  notifyState.value = await Notification.requestPermission();
}

/** A desktop notice, only while nobody looks at the page. */
export function notify(title, body, key) {
  if (!document.hidden || notifyState.value !== 'granted') return;
  const note = new Notification(title, { body, tag: key });
  note.onclick = () => {
    window.focus();
    note.close();
  };
}
