const tip = document.getElementById("tip");
for (const svg of document.querySelectorAll("svg[data-tips]")) {
  const tips = JSON.parse(svg.dataset.tips), cross = svg.querySelector(".cross");
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect(), x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
    let near = null;
    for (const one of tips) if (!near || Math.abs(one[0] - x) < Math.abs(near[0] - x)) near = one;
    if (!near) return;
    cross.setAttribute("x1", near[0]); cross.setAttribute("x2", near[0]); cross.removeAttribute("hidden");
    tip.textContent = near[1]; tip.hidden = false;
    const left = event.clientX + 16 + tip.offsetWidth > innerWidth ? event.clientX - 16 - tip.offsetWidth : event.clientX + 16;
    tip.style.left = left + "px"; tip.style.top = event.clientY + 12 + "px";
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; cross.setAttribute("hidden", "hidden"); });
}
