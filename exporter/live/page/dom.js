// The little of the DOM that the page needs. Text is only ever set as text:
// nothing that a database or its users can name becomes markup.

/** make("p", { class: "note" }, child or text, …) */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** Leaves alone what is there already, so that a selection of it stays. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setClass(element, name) {
  if (element.className !== name) element.className = name;
}

/** Makes `parent` have as many children as `items`, and fills each. */
export function fill(parent, items, create, update) {
  while (parent.children.length > items.length) {
    parent.lastElementChild.remove();
  }
  while (parent.children.length < items.length) parent.append(create());
  items.forEach((item, index) => update(parent.children[index], item));
}

/** A table that scrolls sideways where it does not fit. */
export function scrollingTable(label, columns) {
  const head = columns.map(([title, kind]) =>
    make("th", kind === "n" ? { scope: "col", class: "n" } : { scope: "col" }, title),
  );
  const body = make("tbody");
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...head)), body);
  const region = make(
    "div",
    { class: "scroll", role: "region", "aria-label": label, tabindex: "0" },
    table,
  );
  const newRow = () =>
    make("tr", {}, ...columns.map(([, kind]) => make("td", kind ? { class: kind } : {})));
  return {
    region,
    /** rows: { class, cells: [text…] } */
    show(rows) {
      fill(body, rows, newRow, (row, given) => {
        setClass(row, given.class ?? "");
        given.cells.forEach((text, index) => setText(row.children[index], text));
      });
    },
  };
}
