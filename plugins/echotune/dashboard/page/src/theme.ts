// Light or dark as Airflow around the page is; alone, as the system is.

function outside(): HTMLElement | null {
  try {
    return window.parent === window ? null : window.parent.document.documentElement;
  } catch {
    return null; // another origin's frame
  }
}

export function followTheme(): void {
  const frame = outside();
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = (): boolean => {
    if (!frame) return system.matches;
    return frame.classList.contains("dark") || frame.dataset["theme"] === "dark";
  };
  const apply = (): void => {
    document.documentElement.dataset["theme"] = isDark() ? "dark" : "light";
  };
  apply();
  system.addEventListener("change", apply);
  if (frame) new MutationObserver(apply).observe(frame, { attributeFilter: ["class", "data-theme"] });
}
