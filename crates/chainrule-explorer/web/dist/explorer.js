const answer = await fetch('./api/catalog')
document.getElementById('catalog').textContent = JSON.stringify(await answer.json(), null, 2)
