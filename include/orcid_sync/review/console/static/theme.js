// Light or dark as the page around us, as the choice it stored, or as the system.
(function () {
  "use strict";
  function outside() {
    try {
      if (window.parent !== window) {
        const root = window.parent.document.documentElement;
        if (root.classList.contains("dark") || root.dataset.theme === "dark") return "dark";
        if (root.classList.contains("light") || root.dataset.theme === "light") return "light";
      }
      const stored = window.localStorage.getItem("theme");
      if (stored === "dark" || stored === "light") return stored;
    } catch {
      // Another site's frame, or no storage: the system decides.
    }
    return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  function apply() {
    document.documentElement.dataset.theme = outside();
  }
  apply();
  window.addEventListener("storage", apply);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  try {
    if (window.parent !== window) {
      document.documentElement.classList.add("framed");
      new MutationObserver(apply).observe(window.parent.document.documentElement, { attributes: true, attributeFilter: ["class", "data-theme"] });
    }
  } catch {
    // The page around us is not ours to watch.
  }
})();
