(function () {
  try {
    var theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.classList.add("t_" + theme);
  } catch (e) {}
})();
