/** What is said before the page's modules come, and where they do not; so it is none itself. */
{
  const [module, loading, failed] = ["script[type=module]", "#loading", "#no-start"].map((one) => document.querySelector(one));
  loading.textContent = navigator.language.startsWith("nl") ? "Laden …" : "Loading …";
  module.addEventListener("error", () => {
    loading.textContent = "";
    failed.hidden = false;
  });
}
