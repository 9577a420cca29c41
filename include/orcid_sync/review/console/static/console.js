// Deciding without leaving the page. Works in a sandboxed frame: no alert, no confirm, no window of its own.
(function () {
  "use strict";
  const base = document.documentElement.dataset.base;
  const batch = document.getElementById("batch");
  const one = document.getElementById("one");
  const itemPage = document.getElementById("item");
  const toast = document.getElementById("say");
  const labels = { undecided: "To decide", approve: "Approved", reject: "Rejected", writing: "Being written", written: "Written", closed: "Closed" };
  const did = { approve: "Approved", reject: "Rejected", withdraw: "Taken back" };
  const why = {
    removals: "removals were not asked for",
    warnings: "with warnings were not asked for",
    decided_before: "were decided before",
    decided_meanwhile: "were decided by somebody else meanwhile and stay as they are",
    undecided: "had no decision",
    written_or_closed: "are written or closed already",
    stopped_by_person: "are never to be sent",
    without_change: "have no open change",
  };
  let queue = Promise.resolve();
  let waiting = 0;

  const $$ = (selector, root) => Array.from((root || document).querySelectorAll(selector));
  const number = (count) => count.toLocaleString("en");
  const plural = (count, noun) => number(count) + " " + noun + (count === 1 ? "" : "s");

  function say(text, options) {
    const { undo, bad, keep } = options || {};
    toast.replaceChildren(document.createTextNode(text));
    toast.classList.toggle("bad", Boolean(bad));
    if (undo) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Undo";
      button.addEventListener("click", undo);
      toast.append(" ", button);
    }
    toast.hidden = false;
    window.clearTimeout(say.timer);
    if (!keep && !bad) say.timer = window.setTimeout(() => { toast.hidden = true; }, 12000);
  }

  async function send(path, body) {
    const answer = await fetch(base + "/api/" + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      credentials: "same-origin",
      body: JSON.stringify(body),
    });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error([said.what, said.why, said.remedy].filter(Boolean).join(". ") || "It did not work (" + answer.status + ")");
    return said;
  }

  // One after the other, in the order in which they were asked for: a quick key is never lost.
  function guarded(action) {
    waiting += 1;
    document.body.classList.add("busy");
    queue = queue.then(action).catch((error) => {
      say(error.message || "The server does not answer. Nothing was decided.", { bad: true });
    }).finally(() => {
      waiting -= 1;
      if (waiting === 0) document.body.classList.remove("busy");
    });
  }

  // --- rows ---

  const rows = () => $$(".group .change");
  const rowOf = (change) => document.querySelector('.change[data-change="' + change + '"]');
  const seenOf = (row) => ({ change: Number(row.dataset.change), seen: row.dataset.seen ? Number(row.dataset.seen) : null });

  function show(found) {
    for (const now of found.changes) {
      const row = rowOf(now.change);
      if (!row) continue;
      row.dataset.state = now.state;
      row.dataset.seen = now.decision || "";
      const label = row.querySelector("[data-label]");
      label.textContent = labels[now.state] || now.state;
      if (now.by && (now.state === "approve" || now.state === "reject")) {
        const by = document.createElement("span");
        by.className = "faint";
        by.textContent = " " + now.by;
        label.append(by);
      }
    }
    for (const group of $$(".group")) {
      const left = $$('.change[data-state="undecided"]', group).length;
      const acts = group.querySelector("header .acts");
      if (acts && left === 0) acts.hidden = true;
    }
    for (const now of found.batches) {
      if (!batch || now.batch !== Number(batch.dataset.batch)) continue;
      for (const place of $$("[data-undecided]")) place.textContent = number(now.undecided);
      for (const place of $$("[data-done]")) place.textContent = number(now.changes - now.undecided);
      for (const bar of $$("[data-progress]")) bar.value = now.changes - now.undecided;
    }
  }

  // The counts beside the filters come from the server; they follow a little later, so that quick keys don't wait.
  function refreshCounts() {
    if (!batch) return;
    window.clearTimeout(refreshCounts.timer);
    refreshCounts.timer = window.setTimeout(async () => {
      const answer = await fetch(window.location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
      if (!answer || !answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const selector of ["[data-filters]", "[data-all-bar]"]) {
        const now = document.querySelector(selector);
        const then = page.querySelector(selector);
        if (!now || !then || now.contains(document.activeElement)) continue;
        now.replaceChildren(...then.childNodes);
      }
    }, 500);
  }

  function summary(found, reload) {
    const left = Object.entries(found.left).filter(([, count]) => count > 0)
      .map(([reason, count]) => number(count) + " " + (why[reason] || reason.replaceAll("_", " ")));
    const finished = found.batches.some((now) => now.state !== "open");
    const open = Object.values(found.questions);
    let text = did[found.verdict] + ": " + plural(found.decided, "change") + ".";
    if (left.length) text += " Left as they are: " + left.join("; ") + ".";
    if (finished && found.verdict !== "withdraw") text += " Everything in the batch is decided.";
    if (open.length) text += " The question in Required Actions stays open: " + open.join(" ");
    const meanwhile = (found.left.decided_meanwhile || 0) > 0;
    const takeBack = found.verdict !== "withdraw" && found.decided > 0;
    const changes = found.changes.filter((now) => now.state === found.verdict).map((now) => ({ change: now.change, seen: now.decision }));
    say(text, {
      bad: meanwhile,
      undo: takeBack ? () => guarded(async () => after(await send("decisions", { verdict: "withdraw", changes }), reload)) : null,
    });
  }

  function after(found, reload) {
    show(found);
    if (reload) {
      sessionStorage.setItem("say", JSON.stringify(found));
      window.location.reload();
      return;
    }
    summary(found, reload);
    refreshCounts();
  }

  const note = () => {
    const field = document.querySelector("[data-note]");
    return field && field.value.trim() ? field.value.trim() : null;
  };

  function decide(verdict, chosen) {
    if (!chosen.length) return;
    const reason = note();
    guarded(async () => {
      // What was seen is looked up when its turn comes: an earlier key may have decided the same row.
      after(await send("decisions", { verdict, changes: chosen.map(seenOf), note: reason }), false);
      for (const row of chosen) tick(row, false);
    });
  }

  function decideGroup(verdict, group) {
    const key = { publication: "work", researcher: "person" }[group.dataset.by];
    if (!key) return;
    const filter = JSON.parse(batch.dataset.filter);
    filter[key] = [group.dataset.key];
    guarded(async () => {
      after(await send("batches/" + batch.dataset.batch + "/decisions", { verdict, filter, removals: true, warnings: true }), false);
    });
  }

  // --- everything that matches ---

  const dialog = document.getElementById("all");
  let verdictForAll = "approve";

  let asked = 0;

  async function preview() {
    const form = dialog.querySelector("form");
    const go = dialog.querySelector("[data-go]");
    const turn = ++asked;
    // Until the answer is there, nobody can say yes to another number than the one that is shown.
    go.disabled = true;
    const removals = form.elements.removals.checked;
    const warnings = form.elements.warnings.checked;
    const found = await send("batches/" + batch.dataset.batch + "/preview", { filter: JSON.parse(batch.dataset.filter), removals, warnings });
    if (turn !== asked) return;
    const parts = [[found.add, "new"], [found.update, "corrections"], [found.remove, "removals"]].filter(([count]) => count > 0)
      .map(([count, label]) => number(count) + " " + label);
    dialog.querySelector("[data-covers]").textContent = found.total
      ? plural(found.total, "change") + " on the records of " + plural(found.researchers, "researcher") + ": " + parts.join(", ") + "."
        + (found.decided_before ? " " + plural(found.decided_before, "decision") + " made before stay as they are." : "")
      : "Nothing is covered yet: choose below what is meant.";
    const sides = [["removals", found.left_removals, removals], ["warnings", found.left_warnings, warnings]];
    for (const [name, left, chosen] of sides) {
      const row = dialog.querySelector("[data-" + name + "-row]");
      const counted = dialog.querySelector("[data-" + name + "]");
      if (!chosen) counted.textContent = number(left);
      row.hidden = !chosen && left === 0;
    }
    go.textContent = (verdictForAll === "approve" ? "Approve " : "Reject ") + number(found.total);
    go.disabled = found.total === 0;
  }

  function askAll(verdict) {
    verdictForAll = verdict;
    const form = dialog.querySelector("form");
    form.reset();
    dialog.querySelector("h2").textContent = (verdict === "approve" ? "Approve" : "Reject") + " what is undecided";
    guarded(async () => {
      await preview();
      dialog.showModal();
      dialog.querySelector("[data-go]").focus();
    });
  }

  if (dialog) {
    dialog.addEventListener("change", (event) => {
      if (event.target.type === "checkbox") guarded(preview);
    });
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "go") return;
      const form = dialog.querySelector("form");
      dialog.returnValue = "";
      guarded(async () => {
        after(await send("batches/" + batch.dataset.batch + "/decisions", {
          verdict: verdictForAll,
          filter: JSON.parse(batch.dataset.filter),
          removals: form.elements.removals.checked,
          warnings: form.elements.warnings.checked,
          note: form.elements.note.value.trim() || null,
        }), true);
      });
    });
  }

  // --- selection ---

  const bar = document.getElementById("selection");
  const ticked = () => rows().filter((row) => row.querySelector("[data-tick]")?.checked);

  function tick(row, on) {
    const box = row.querySelector("[data-tick]");
    if (box) box.checked = on;
    row.classList.toggle("ticked", Boolean(box && box.checked));
    if (!bar) return;
    const count = ticked().length;
    bar.hidden = count === 0;
    bar.querySelector("[data-selected]").textContent = number(count);
  }

  // --- wishes, pause and resume ---

  function wish(name, item) {
    const field = document.querySelector("[data-note]");
    if (name === "restore" && field && !field.value.trim()) {
      say("Say when and how the researcher asked for it; only then can it be restored.", { bad: true });
      field.focus();
      return;
    }
    guarded(async () => {
      const found = await send("wishes", { wish: name, items: [item], note: note() });
      const left = Object.values(found.left);
      if (left.length) {
        say("Nothing was changed: " + left.join("; ") + ".", { bad: true });
        return;
      }
      window.location.reload();
    });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button, a[data-out]");
    if (!button) return;
    if (button.matches("a[data-out]")) {
      // A sandboxed frame opens no page elsewhere: hand the address over instead.
      if (window.parent !== window && navigator.clipboard) {
        event.preventDefault();
        navigator.clipboard.writeText(button.href).then(() => say("Address copied: " + button.href), () => say("Address: " + button.href, { keep: true }));
      }
      return;
    }
    const row = button.closest(".change");
    if (button.dataset.act && row) decide(button.dataset.act, [row]);
    else if (button.dataset.groupAct) decideGroup(button.dataset.groupAct, button.closest(".group"));
    else if (button.dataset.all) askAll(button.dataset.all);
    else if (button.dataset.selection === "clear") ticked().forEach((other) => tick(other, false));
    else if (button.dataset.selection) decide(button.dataset.selection, ticked());
    else if (button.dataset.wish) wish(button.dataset.wish, Number((one || itemPage).dataset.item));
    else if (button.dataset.hold) guarded(async () => {
      await send(button.dataset.hold, { unit: button.dataset.unit || null, note: note() });
      window.location.reload();
    });
    else if ("help" in button.dataset) document.getElementById("help").showModal();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-tick]")) tick(event.target.closest(".change"), event.target.checked);
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  // --- keyboard ---

  let current = -1;
  const currentRow = () => one || document.activeElement.closest(".group .change") || rows()[current] || null;

  function move(step) {
    const all = rows();
    if (!all.length) return;
    const focused = all.indexOf(document.activeElement.closest(".change"));
    current = Math.min(Math.max((focused >= 0 ? focused : current) + step, 0), all.length - 1);
    all[current].focus({ preventScroll: true });
    all[current].scrollIntoView({ block: "center" });
  }

  function go(address) {
    if (address) window.location.assign(address);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input:not([type=checkbox]), select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const row = currentRow();
    const decides = !batch || batch.dataset.decides === "yes";
    const verdict = { a: "approve", r: "reject", u: "withdraw" }[event.key];
    const whole = { A: "approve", R: "reject" }[event.key];
    if (event.key === "j") one ? go(one.dataset.next) : move(1);
    else if (event.key === "k") one ? go(one.dataset.prev) : move(-1);
    else if (event.key === "b" && one) go(one.dataset.back);
    else if (event.key === "?") document.getElementById("help").showModal();
    else if (event.key === "/") document.querySelector("[data-search]")?.focus();
    else if (event.key === "Enter" && row && event.target === row) go(row.querySelector("[data-open]")?.href);
    else if (event.key === "x" && row && !one && decides) tick(row, !row.querySelector("[data-tick]").checked);
    else if (verdict && row && decides) {
      if (!row.querySelector('[data-act="' + verdict + '"]')) return;
      const chosen = one ? [] : ticked();
      decide(verdict, chosen.length ? chosen : [row]);
    } else if (whole && row && batch && decides) decideGroup(whole, row.closest(".group"));
    else return;
    event.preventDefault();
  });

  // --- at the start ---

  const stored = sessionStorage.getItem("say");
  if (stored) {
    sessionStorage.removeItem("say");
    summary(JSON.parse(stored), true);
  }
  const filters = document.querySelector("[data-filters]");
  if (filters && window.matchMedia("(max-width: 760px)").matches) filters.open = false;
})();
