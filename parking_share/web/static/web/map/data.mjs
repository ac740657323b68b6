// Meshes, grounds and slots by their addresses; each comes once and is kept while the page is open.

import { arraysOf, groundOf, meshOf, slotOf } from "./decode.mjs";

const MOST_KEPT = 400;
const kept = new Map();

export const meshAt = (address) => once(address, meshOf);
export const groundAt = (address) => once(address, groundOf);
export const slotAt = (address) => once(address, slotOf);

/** Like fetch, but an answer that is none of ours (a refusal, the log-in page) is an error. */
export async function asked(address, options) {
  const answer = await fetch(address, { credentials: "same-origin", ...options });
  if (!answer.ok || answer.redirected) throw new Error(`${address} answers ${answer.status}`);
  return answer;
}

function once(address, read) {
  let found = kept.get(address);
  kept.delete(address);
  if (!found) {
    found = asked(address).then((answer) => answer.arrayBuffer()).then(arraysOf).then(read);
    found.catch(() => kept.delete(address));
  }
  kept.set(address, found);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  return found;
}
