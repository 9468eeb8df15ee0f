// Fills the card form from the test-card buttons and groups the digits. Without it the buttons ask the server to fill.
const field = (name) => document.querySelector(`input[name=${name}]`);
for (const button of document.querySelectorAll("button[data-number]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    field("number").value = button.dataset.number;
    field("expiry").value = "12 / 34";
    field("cvc").value = "123";
    const email = field("email");
    if (email && !email.value) email.value = "ada@example.com";
    const name = field("name");
    if (name && !name.value) name.value = "Ada Lovelace";
  });
}
const number = field("number");
number?.addEventListener("input", () => {
  if (number.selectionStart === number.value.length) number.value = number.value.replace(/\D/g, "").slice(0, 19).replace(/(.{4})(?=.)/g, "$1 ");
});
const expiry = field("expiry");
expiry?.addEventListener("input", (event) => {
  if (event.inputType === "insertText" && /^\d\d$/.test(expiry.value)) expiry.value += " / ";
});
