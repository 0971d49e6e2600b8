"use strict";
// Before anything is drawn: the light that the reader chose last time, and that scripts run.
document.documentElement.classList.add("scripted");
try {
  const chosen = localStorage.getItem("light");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.light = chosen;
} catch {
  // A browser that keeps nothing: the reader's system decides.
}
