/* The upload of affiliations: a file is read here, sent as JSON, and its report shown. */
(function () {
  "use strict";
  const base = document.documentElement.dataset.base;
  const SHOWN = 200;
  const COUNTED = [["new", "new"], ["changed", "changed"], ["unchanged", "unchanged"], ["removed", "to be removed"]];

  function element(name, text, properties) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    return Object.assign(made, properties || {});
  }

  async function textOf(file) {
    if (!file) throw new Error("Choose a file first.");
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    } catch (error) {
      throw new Error("The file is no UTF-8 text. Save it as CSV UTF-8 and choose it again.");
    }
  }

  async function send(unit, text, take) {
    const answer = await fetch(base + "/api/affiliations/" + encodeURIComponent(unit), {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      credentials: "same-origin",
      body: JSON.stringify({ text: text, take: take }),
    });
    const found = await answer.json().catch(() => ({ what: "The server did not answer as expected", remedy: "Try again" }));
    if (!answer.ok) throw new Error([found.what, found.why, found.remedy].filter(Boolean).join(". "));
    return found;
  }

  function cell(value) {
    const text = /^[=+\-@\t\r]/.test(String(value)) ? "'" + value : String(value);
    return /[",\n\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }

  function csvOf(errors) {
    const names = ["line", "field", "reason", "remedy"];
    const lines = [names, ...errors.map((error) => names.map((name) => error[name]))];
    return "\ufeff" + lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  function table(errors, label) {
    const made = element("table");
    const head = made.createTHead().insertRow();
    for (const name of ["Line", "Column", "What is wrong", "What helps"]) head.append(element("th", name, { scope: "col" }));
    const body = made.createTBody();
    for (const error of errors.slice(0, SHOWN)) {
      const row = body.insertRow();
      row.append(element("th", error.line, { scope: "row", className: "n" }));
      for (const name of ["field", "reason", "remedy"]) row.append(element("td", error[name]));
    }
    const scroll = element("div", undefined, { className: "scroll block", tabIndex: 0 });
    scroll.setAttribute("role", "group");
    scroll.setAttribute("aria-label", label);
    scroll.append(made);
    return scroll;
  }

  const wrongRows = (found) => new Set(found.errors.map((error) => error.line)).size;

  function headline(found, take) {
    const wrong = wrongRows(found);
    const rows = found.rows + (found.rows === 1 ? " row" : " rows");
    if (found.applied) {
      const parts = COUNTED.map(([name, words]) => found[name] + " " + words);
      return rows + " taken over: " + parts.join(", ") + (wrong ? "; " + wrong + " wrong ones left out" : "") + ".";
    }
    if (wrong) return rows + ", " + wrong + " wrong: nothing was changed.";
    return take === "check" ? rows + ", all of them right. Nothing was changed yet." : rows + ": nothing was changed.";
  }

  /* How the unit's rows stand now, as the page would say it if it were opened again. */
  async function refresh(section) {
    const answer = await fetch(window.location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
    if (!answer || !answer.ok) return;
    const now = new DOMParser().parseFromString(await answer.text(), "text/html");
    const head = now.querySelector('[data-unit="' + section.dataset.unit + '"] .head');
    if (head) section.querySelector(".head").replaceWith(head);
  }

  function show(section, found, take) {
    const place = section.querySelector("[data-report]");
    const wrong = wrongRows(found);
    const notice = element("div", undefined, { className: "notice" + (wrong ? " warn" : "") });
    notice.append(element("p", headline(found, take)));
    if (found.not_connected.length) {
      const people = found.not_connected;
      notice.append(element("p", people.length + (people.length === 1 ? " person has" : " people have") +
        " given no permission yet; their rows wait for it: " + people.slice(0, 50).join(", ") +
        (people.length > 50 ? " and " + (people.length - 50) + " more" : "") + "."));
    }
    place.replaceChildren(notice);
    if (wrong) {
      place.append(table(found.errors, "Wrong rows"));
      const all = found.errors.length;
      const more = element("p", all > SHOWN ? SHOWN + " of " + all + " shown. " : "", { className: "acts block" });
      const link = element("a", "Report as CSV", { className: "button", download: "wrong-rows.csv" });
      link.href = URL.createObjectURL(new Blob([csvOf(found.errors)], { type: "text/csv" }));
      more.append(link);
      place.append(more);
    }
    const [all, good] = ["all", "good"].map((name) => section.querySelector("[data-take=" + name + "]"));
    all.disabled = found.applied || wrong > 0;
    good.hidden = found.applied || !wrong || wrong >= found.rows;
    if (found.applied) {
      section.querySelector("form").reset();
      refresh(section);
    }
  }

  async function act(section, take) {
    const field = section.querySelector("input[type=file]");
    const buttons = Array.from(section.querySelectorAll("button"));
    const before = buttons.map((button) => button.disabled);
    buttons.forEach((button) => { button.disabled = true; });
    document.body.classList.add("busy");
    let found = null;
    try {
      found = await send(section.dataset.unit, await textOf(field.files[0]), take);
    } catch (error) {
      const notice = element("div", error.message, { className: "notice warn" });
      notice.setAttribute("role", "alert");
      section.querySelector("[data-report]").replaceChildren(notice);
    }
    document.body.classList.remove("busy");
    buttons.forEach((button, place) => { button.disabled = before[place]; });
    if (found) show(section, found, take);
  }

  for (const section of document.querySelectorAll("[data-unit]")) {
    const form = section.querySelector("[data-upload]");
    if (!form) continue;
    form.addEventListener("submit", (event) => { event.preventDefault(); act(section, "check"); });
    form.addEventListener("change", () => {
      section.querySelector("[data-report]").replaceChildren();
      section.querySelector("[data-take=all]").disabled = true;
      section.querySelector("[data-take=good]").hidden = true;
    });
    for (const button of form.querySelectorAll("[data-take]")) {
      button.addEventListener("click", () => act(section, button.dataset.take));
    }
  }
})();
