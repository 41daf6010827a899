// Lets a worker solve the puzzle of a form while a person fills it in. Without this file they wait some seconds instead.

for (const status of document.querySelectorAll("[data-puzzle]")) {
  const { puzzle, solver, working } = status.dataset;
  const form = status.closest("form");
  const answer = form.querySelector("[name=human]");
  let sent = false;
  let solved = false;
  const worker = new Worker(solver);
  worker.onmessage = ({ data }) => {
    answer.value = data;
    solved = true;
    worker.terminate();
    if (sent) form.requestSubmit();
  };
  // Then as without scripts.
  worker.onerror = () => {
    solved = true;
    if (sent) form.requestSubmit();
  };
  form.addEventListener("submit", (event) => {
    if (solved) return;
    event.preventDefault();
    sent = true;
    status.textContent = working;
  });
  worker.postMessage(JSON.parse(puzzle));
}
