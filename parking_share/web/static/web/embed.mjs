// Shows the newest picture: the page loads itself again every five minutes, while somebody looks at it.

const FIVE_MINUTES_MS = 300_000;

setInterval(() => {
  if (!document.hidden) location.reload();
}, FIVE_MINUTES_MS);
