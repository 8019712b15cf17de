// Links out of Airflow's frame. Its sandbox lets a page in it navigate nothing but itself, though it may reach the
// document around it: so that document follows the link.

function outside(): Document | null {
  try {
    return window.parent === window ? null : window.parent.document;
  } catch {
    return null; // another origin's frame
  }
}

export function followLinksOutside(): void {
  const around = outside();
  if (!around) return;
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLAnchorElement>("a[target=_top]");
    if (!link || event.defaultPrevented || event.button !== 0) return;
    event.preventDefault();
    const twin = around.createElement("a");
    twin.href = link.href;
    if (event.ctrlKey || event.metaKey || event.shiftKey) twin.target = "_blank";
    around.body.append(twin);
    twin.click();
    twin.remove();
  });
}
