// A game server's whole life through the published Node.js SDK of Agones, unmodified. The test plays the control plane: it gives
// this server one land, for the players ann and bob, when it is ready for the first time.
"use strict";

const assert = require("node:assert");
const AgonesSDK = require("@google-cloud/agones-sdk");

const SOON_MS = 10_000;

const sdk = new AgonesSDK();
/** Every picture that the watch has shown and nobody has looked at yet, and who waits for the next. */
const pictures = [];
let wake = () => {};

/** The next picture in which the game server is in that state. */
async function until(state) {
  const deadline = Date.now() + SOON_MS;
  for (;;) {
    while (pictures.length > 0) {
      const picture = pictures.shift();
      if (picture.status.state === state) return picture;
    }
    const left = deadline - Date.now();
    if (left <= 0) throw new Error(`waited in vain for ${state}`);
    await new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, left).unref();
    });
  }
}

const entry = (pairs, key) => (pairs.find(([name]) => name === key) ?? [])[1];

async function playersAndRooms() {
  const beta = sdk.beta;
  await beta.appendListValue("players", "ann");
  await assert.rejects(beta.appendListValue("players", "ann"), "each once");
  assert.ok(await beta.listContains("players", "ann"));
  await beta.appendListValue("players", "bob");
  await beta.deleteListValue("players", "ann");
  assert.deepStrictEqual(await beta.getListValues("players"), ["bob"]);
  assert.strictEqual(await beta.getCounterCapacity("rooms"), 2);
  await beta.decrementCounter("rooms", 1);
  assert.strictEqual(await beta.getCounterCount("rooms"), 0);
  assert.strictEqual(await beta.getListLength("players"), 0, "the land took its players along");
}

async function countersAndLists() {
  const beta = sdk.beta;
  await beta.incrementCounter("rounds", 3);
  await beta.decrementCounter("rounds", 1);
  await assert.rejects(beta.decrementCounter("rounds", 3), "not below zero");
  assert.strictEqual(await beta.getCounterCount("rounds"), 2);
  await beta.setCounterCapacity("rounds", 20);
  await beta.setCounterCount("rounds", 15);
  assert.strictEqual(await beta.getCounterCount("rounds"), 15);
  assert.strictEqual(await beta.getCounterCapacity("rounds"), 20);
  await beta.appendListValue("maps", "lava");
  await beta.setListCapacity("maps", 1);
  assert.strictEqual(await beta.getListCapacity("maps"), 1);
  assert.strictEqual(await beta.getListLength("maps"), 1);
  await assert.rejects(beta.appendListValue("maps", "ice"), "full");
  await assert.rejects(beta.getCounterCount("unknown"));
}

async function metadata() {
  await sdk.setLabel("mode", "duel");
  await sdk.setAnnotation("seed", "42");
  const { objectMeta, spec } = await sdk.getGameServer();
  assert.strictEqual(entry(objectMeta.labelsMap, "agones.dev/sdk-mode"), "duel");
  assert.strictEqual(entry(objectMeta.labelsMap, "tier"), "gold");
  assert.strictEqual(entry(objectMeta.annotationsMap, "agones.dev/sdk-seed"), "42");
  assert.strictEqual(spec.health.failureThreshold, 2);
}

async function life() {
  await sdk.connect();
  sdk.watchGameServer(
    (picture) => {
      pictures.push(picture);
      wake();
    },
    () => {},
  );
  await until("Scheduled");
  sdk.health();
  await sdk.ready();
  const allocated = await until("Allocated");
  assert.strictEqual(entry(allocated.objectMeta.annotationsMap, "muster.dev/land-id"), "arena:1");
  const [land] = JSON.parse(entry(allocated.objectMeta.annotationsMap, "muster.dev/lands"));
  assert.deepStrictEqual(land.players, ["ann", "bob"]);
  assert.strictEqual(entry(allocated.status.countersMap, "rooms").count, 1);

  await playersAndRooms();
  await until("Ready");
  await countersAndLists();
  await metadata();

  await sdk.reserve(1);
  await until("Reserved");
  await until("Ready");
  await sdk.allocate();
  await until("Allocated");
  assert.strictEqual(await sdk.beta.getCounterCount("rooms"), 1);
  await sdk.ready();
  await until("Ready");
  // Silent for longer than it may be.
  await until("Unhealthy");
  sdk.health();
  await until("Ready");
  await sdk.shutdown();
  await until("Shutdown");
}

life().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
