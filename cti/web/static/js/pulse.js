// Runs in a worker: a hidden page's own timers may go once a minute, a worker's go on.
setInterval(() => postMessage(0), 500);
